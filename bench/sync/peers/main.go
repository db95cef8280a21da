// The same work in Go: `go-peer task way count`. The last line of the output is the report.
package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const threads = 10

// The median of five runs, or of as many as there is time for; warmed up first. A run gives its figure.
func repeat(run func() float64) float64 {
	for start, i := time.Now(), 0; i < 3 && time.Since(start) < time.Second; i++ {
		run()
	}
	var took []float64
	for start := time.Now(); len(took) < 5 && (len(took) == 0 || time.Since(start) < 4*time.Second); {
		took = append(took, run())
	}
	sort.Float64s(took)
	return took[len(took)/2]
}

func expect(got, want int) {
	if got != want {
		panic(fmt.Sprintf("%d instead of %d", got, want))
	}
}

// What increments a number, and what tells it.
func counter(way string) (increment func(), get func() int) {
	if way == "atomic" {
		var n atomic.Int32
		return func() { n.Add(1) }, func() int { return int(n.Load()) }
	}
	var lock sync.Mutex
	n := 0
	return func() { lock.Lock(); n++; lock.Unlock() }, func() int { return n }
}

// ns an increment.
func alone(way string, count int) float64 {
	increment, get := counter(way)
	start := time.Now()
	for range count {
		increment()
	}
	took := time.Since(start)
	expect(get(), count)
	return float64(took) / float64(count)
}

// ms for all increments; count is what each goroutine does.
func contended(way string, count int) float64 {
	increment, get := counter(way)
	var all sync.WaitGroup
	start := time.Now()
	for range threads {
		all.Go(func() {
			for range count {
				increment()
			}
		})
	}
	all.Wait()
	took := time.Since(start)
	expect(get(), threads*count)
	return took.Seconds() * 1e3
}

type parcel struct {
	id     int
	name   string
	values []float64
}

func newParcel(i int) parcel {
	values := make([]float64, 10)
	for at := range values {
		values[at] = float64(i + at)
	}
	return parcel{i, "parcel " + strconv.Itoa(i), values}
}

func weighParcel(p parcel) int {
	sum := 0.0
	for _, value := range p.values {
		sum += value
	}
	return p.id + len(p.name) + int(sum)
}

func same(i int) int { return i }

func stream[T any](capacity, ends, count int, message func(int) T, weigh func(T) int) float64 {
	expected := 0
	for i := range count {
		expected += weigh(message(i))
	}
	channel := make(chan T, capacity)
	var all sync.WaitGroup
	var sum atomic.Int64
	start := time.Now()
	share := count / ends
	for n := range ends {
		all.Go(func() {
			for i := n * share; i < (n+1)*share; i++ {
				channel <- message(i)
			}
		})
		all.Go(func() {
			own := 0
			for range share {
				own += weigh(<-channel)
			}
			sum.Add(int64(own))
		})
	}
	all.Wait()
	took := time.Since(start)
	expect(int(sum.Load()), expected)
	return float64(took) / float64(count)
}

func trips(capacity, count int) float64 {
	there, back := make(chan int, capacity), make(chan int, capacity)
	start := time.Now()
	go func() {
		for range count {
			back <- <-there
		}
	}()
	sum := 0
	for i := range count {
		there <- i
		sum += <-back
	}
	took := time.Since(start)
	expect(sum, count*(count-1)/2)
	return float64(took) / float64(count)
}

func main() {
	task, way := os.Args[1], os.Args[2]
	count, _ := strconv.Atoi(os.Args[3])
	figure := repeat(func() float64 {
		switch task {
		case "alone":
			return alone(way, count)
		case "contended":
			return contended(way, count)
		case "stream":
			return stream(1024, 1, count, same, same)
		case "four":
			return stream(1024, 2, count, same, same)
		case "rendezvous":
			return stream(0, 1, count, same, same)
		case "objects":
			return stream(1024, 1, count, newParcel, weighParcel)
		case "trip":
			return trips(16, count)
		}
		panic("no such task")
	})
	fmt.Printf("{\"figure\":%v}\n", figure)
}
