Bin3J
ç¦cgs>„¤Ï