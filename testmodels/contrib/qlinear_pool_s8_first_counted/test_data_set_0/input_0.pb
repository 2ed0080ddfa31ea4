Bin0JZ½ÏY?tøÖZW':ˆùA¾ÄiÔ\€xlÞèGc£‘¢Êvu«Ü,ó áÁ©c˜|ÅP¹Ñ¡¯l—Xa`ç†
§yë`ksörxÃL$Jr×êk{ îZNm