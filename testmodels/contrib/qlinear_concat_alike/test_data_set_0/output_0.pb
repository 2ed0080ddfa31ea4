Bout0J	¡Šth
Ùþ