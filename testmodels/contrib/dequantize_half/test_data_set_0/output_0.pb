
Bout0Jf¶™ÄÌÅ³CÃLA