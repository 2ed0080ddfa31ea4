Bout0J<‚³Aœk«A#ü»AéAÌiÊA¶™ªAÎÙ›AšË¹AzFA·J­A¤DA4
AuF ArÖ@j~ÀA