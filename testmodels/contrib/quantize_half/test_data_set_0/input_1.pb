
Bin1Jf*