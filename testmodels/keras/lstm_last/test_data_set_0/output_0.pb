B
Identity:0Jÿ¯¬>^U¾Ï9?®›¾