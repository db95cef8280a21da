// Goroutines that add to one number without any agreement. Built with -race, Go's race detector reports it on standard
// error and ends the program with code 66.
//
// Usage: race GOROUTINES INCREMENTS
//
// Prints one line of JSON: what the number came to, and what it should have.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

func main() {
	goroutines, _ := strconv.Atoi(os.Args[1])
	increments, _ := strconv.Atoi(os.Args[2])
	count := 0
	var done sync.WaitGroup
	done.Add(goroutines)
	for range goroutines {
		go func() {
			defer done.Done()
			for range increments {
				count++
			}
		}()
	}
	done.Wait()
	fmt.Printf("{\"count\": %d, \"due\": %d}\n", count, goroutines*increments)
}
