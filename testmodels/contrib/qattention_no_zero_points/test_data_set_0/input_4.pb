Bin4J
×#<