// The same work on goroutines: `go-peer suite threads`. The last line of the output is the report.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"time"
)

const tiny, trips = 100_000, 500

type report struct {
	Figures map[string]float64 `json:"figures"`
	Checks  map[string]uint32  `json:"checks"`
}

func b(i int) int { return i * 7 % 1000 }

func check(results []int) uint32 {
	var all uint32
	for _, one := range results {
		all = all*31 + uint32(one)
	}
	return all
}

func quantile(values []float64, q float64) float64 {
	sorted := append([]float64{}, values...)
	sort.Float64s(sorted)
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// The median of three, ms.
func timed(again func()) float64 {
	var took []float64
	for range 3 {
		runtime.GC()
		start := time.Now()
		again()
		took = append(took, time.Since(start).Seconds()*1e3)
	}
	return quantile(took, 0.5)
}

//go:noinline
func add(a, b int) int { return a + b }

//go:noinline
func sum(seed uint32, n int) int {
	x, total := seed, 0
	for range n {
		x = x*1664525 + 1013904223
		total += int(x % 7)
	}
	return total
}

func runTiny() report {
	results := make([]int, tiny)
	all := func() {
		var wait sync.WaitGroup
		for i := range tiny {
			wait.Go(func() { results[i] = add(i, b(i)) })
		}
		wait.Wait()
	}
	for range 5 {
		all()
	}
	return report{map[string]float64{"100,000 additions, ms": timed(all)}, map[string]uint32{"add": check(results)}}
}

func runTrips() report {
	run := func(pause time.Duration) []float64 {
		var took []float64
		for i := range trips {
			if pause > 0 {
				time.Sleep(pause)
			}
			start := time.Now()
			answer := make(chan int)
			go func() { answer <- add(i, b(i)) }()
			value := <-answer
			took = append(took, time.Since(start).Seconds()*1e6)
			if value != i+b(i) {
				panic("wrong")
			}
		}
		return took
	}
	run(0)
	together, apart := run(0), run(2*time.Millisecond)
	return report{map[string]float64{
		"back to back, median µs": quantile(together, 0.5),
		"back to back, p99 µs":    quantile(together, 0.99),
		"2 ms apart, median µs":   quantile(apart, 0.5),
		"2 ms apart, p99 µs":      quantile(apart, 0.99),
	}, map[string]uint32{}}
}

func runSums(threads, count, length int, task string) report {
	results := make([]int, count)
	all := func() {
		var wait sync.WaitGroup
		for i := range count {
			wait.Go(func() { results[i] = sum(uint32(i+1), length) })
		}
		wait.Wait()
	}
	all()
	name := "1 thread, ms"
	if threads > 1 {
		name = fmt.Sprintf("%d threads, ms", threads)
	}
	return report{map[string]float64{name: timed(all)}, map[string]uint32{task: check(results)}}
}

func main() {
	threads, _ := strconv.Atoi(os.Args[2])
	runtime.GOMAXPROCS(threads)
	var done report
	switch os.Args[1] {
	case "tiny":
		done = runTiny()
	case "round-trip":
		done = runTrips()
	case "sum":
		done = runSums(threads, 4, 10_000_000, "sum")
	case "scaling":
		done = runSums(threads, 64, 2_000_000, "short")
	}
	_ = json.NewEncoder(os.Stdout).Encode(done)
}
