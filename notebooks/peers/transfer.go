// Numbers, one by one, from one goroutine to another through a channel with room for 1,024.
//
// Usage: transfer N RUNS
//
// The clock runs from the start of the sending goroutine to the receiver's sum.
// Prints one line of JSON: the milliseconds of every run, and the sum of 0, 1, ... N - 1.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"
)

type way struct {
	Ms  []float64 `json:"ms"`
	Sum int       `json:"sum"`
}

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	runs, _ := strconv.Atoi(os.Args[2])
	var one way
	for range runs {
		begin := time.Now()
		numbers := make(chan int, 1024)
		go func() {
			defer close(numbers)
			for i := range n {
				numbers <- i
			}
		}()
		one.Sum = 0
		for number := range numbers {
			one.Sum += number
		}
		one.Ms = append(one.Ms, float64(time.Since(begin).Nanoseconds())/1e6)
	}
	text, _ := json.Marshal(one)
	fmt.Println(string(text))
}
