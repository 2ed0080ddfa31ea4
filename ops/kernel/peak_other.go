//go:build noasm || !amd64

package kernel

// MultiplyAdds does nothing and returns 0: there is no loop of multiply-adds.
func MultiplyAdds(int) (operations float64) { return 0 }
