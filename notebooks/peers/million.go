// Adds up the squares of 0, 1, … N - 1 as 64-bit floating-point numbers: in one goroutine, and in THREADS of them.
//
// Usage: million N RUNS THREADS
//
// Prints one line of JSON: for each way the milliseconds of every run, and the sum.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

type way struct {
	Ms  []float64 `json:"ms"`
	Sum float64   `json:"sum"`
}

func add(xs []float64) float64 {
	total := 0.0
	for _, x := range xs {
		total += x * x
	}
	return total
}

func addOn(threads int, xs []float64) float64 {
	parts := make([]float64, threads)
	var group sync.WaitGroup
	for t := range threads {
		group.Add(1)
		go func() {
			defer group.Done()
			parts[t] = add(xs[len(xs)*t/threads : len(xs)*(t+1)/threads])
		}()
	}
	group.Wait()
	total := 0.0
	for _, part := range parts {
		total += part
	}
	return total
}

func measure(runs int, f func() float64) way {
	var one way
	for range runs {
		begin := time.Now()
		one.Sum = f()
		one.Ms = append(one.Ms, float64(time.Since(begin).Nanoseconds())/1e6)
	}
	return one
}

func main() {
	var args [3]int
	for i := range args {
		args[i], _ = strconv.Atoi(os.Args[i+1])
	}
	xs := make([]float64, args[0])
	for i := range xs {
		xs[i] = float64(i)
	}
	text, _ := json.Marshal(map[string]way{
		"one":     measure(args[1], func() float64 { return add(xs) }),
		"threads": measure(args[1], func() float64 { return addOn(args[2], xs) }),
	})
	fmt.Println(string(text))
}
