BqueryJÆdÝ=þà¾+
E¿H‹E¾„£¹¾