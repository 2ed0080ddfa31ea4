B
Identity:0J$t‘í<w¯†»wñ¾økî<F¸6½ŒäX=Že™¼#Eô=a)é¼