B
Identity:0J@ü½d­>µ=üŒZ;3i
½µgÑ½