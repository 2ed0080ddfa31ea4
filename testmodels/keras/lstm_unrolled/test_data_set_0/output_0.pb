B
Identity:0J¾ë<-ĞD½ š¾T3½ì"s¾eÄ«½