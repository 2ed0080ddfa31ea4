Bin2J
×#<