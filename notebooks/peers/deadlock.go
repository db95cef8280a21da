// Two goroutines that take two locks in opposite orders, and a main goroutine that waits for both. When no goroutine can go
// on, Go's runtime says so on standard error and ends the program with code 2.
//
// Usage: deadlock
package main

import "sync"

func main() {
	var a, b sync.Mutex
	var met, done sync.WaitGroup
	met.Add(2)
	done.Add(2)
	transfer := func(first, second *sync.Mutex) {
		defer done.Done()
		first.Lock()
		defer first.Unlock()
		met.Done()
		met.Wait()
		second.Lock()
		defer second.Unlock()
	}
	go transfer(&a, &b)
	go transfer(&b, &a)
	done.Wait()
}
