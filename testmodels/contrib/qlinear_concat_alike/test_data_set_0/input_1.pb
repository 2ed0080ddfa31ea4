Bin2J¡Šth
