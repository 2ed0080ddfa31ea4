package lstmattn

import "fmt"

// maxSize bounds every size a caller gives, so that products of three fit an int.
const maxSize = 1 << 20

// size returns an error unless n is a size.
func size(name string, n int) error {
	if n < 1 || n > maxSize {
		return fmt.Errorf("lstmattn: %s is %d, must be between 1 and %d", name, n, maxSize)
	}
	return nil
}

// length returns an error unless v has n elements.
func length(name string, v []float32, n int) error {
	if len(v) != n {
		return fmt.Errorf("lstmattn: %s has %d elements, expected %d", name, len(v), n)
	}
	return nil
}
