Bin4J
