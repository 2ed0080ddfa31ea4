//go:build !linux

package kernel

import (
	"sync/atomic"
	"time"
)

const canDoze = false

func sleepOn(*atomic.Uint32, uint32, time.Duration) {}

func wakeFrom(*atomic.Uint32, int) {}
