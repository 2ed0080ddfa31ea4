Bin8J
×#<