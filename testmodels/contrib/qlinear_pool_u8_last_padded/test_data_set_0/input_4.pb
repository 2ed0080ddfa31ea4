Bin4J
