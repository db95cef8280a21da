// Measures what it costs to start a goroutine, until its first message is here.
//
// Usage: start-cost RUNS
//
// Prints one line of JSON: the microseconds of every run, the memory of a goroutine that waits (the growth of what the
// runtime has for stacks, by one of 10,000 that wait), and the sum of the messages: the run's number, from each.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

func stackBytes() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.StackInuse
}

func goroutineSize() uint64 {
	const count = 10_000
	var started sync.WaitGroup
	end := make(chan struct{})
	before := stackBytes()
	started.Add(count)
	for range count {
		go func() {
			started.Done()
			<-end
		}()
	}
	started.Wait()
	after := stackBytes()
	close(end)
	return (after - before) / count
}

func main() {
	runs, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	times := []float64{}
	sum := 0
	for number := range runs {
		messages := make(chan int)
		begin := time.Now()
		go func() { messages <- number }()
		sum += <-messages
		times = append(times, float64(time.Since(begin).Nanoseconds())/1000)
	}
	line, _ := json.Marshal(map[string]any{
		"goroutine": map[string]any{"us": times, "bytes": goroutineSize(), "sum": sum},
	})
	fmt.Println(string(line))
}
