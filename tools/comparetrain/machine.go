package main

import (
	"os"
	"strings"
)

// processor is the name of its model.
func processor() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	_, rest, found := strings.Cut(string(data), "model name")
	name, _, _ := strings.Cut(rest, "\n")
	if name = strings.Trim(name, " \t:"); !found || name == "" {
		return "processor unknown"
	}
	return name
}

// loadAverage tells how busy the machine is with other work.
func loadAverage() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(data), " ")
	return first
}
