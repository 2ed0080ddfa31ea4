Bin5J
×#<