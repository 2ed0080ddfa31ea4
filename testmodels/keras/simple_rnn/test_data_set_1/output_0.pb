B
Identity:0J$Ÿg¾šÔ6¿qù¿ÇK‰¾d:“¾Ë•n¿).w¿zgB<;é¿