Bout0J
¤ya ¢‰š