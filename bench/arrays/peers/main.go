// The same work on goroutines: `arrays-go workload n threads measureMs`. The last line of the output is the report.
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const columns, iterations, fewest, most = 1000, 100, 3, 1000

var n, threads, measureMs int

type report struct {
	Ms     []float64 `json:"ms"`
	Checks []float64 `json:"checks"`
}

func x(i int) float64 { return float64(i*7919%1000) / 2 }
func y(i int) float64 { return float64(i % 100) }

type number interface{ ~float64 | ~float32 | ~int32 }

func made[T number](of func(int) float64) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = T(of(i))
	}
	return all
}

func check[T number](results []T) []float64 {
	sum := 0.0
	for i, one := range results {
		sum += float64(one) * float64(i%7+1)
	}
	return []float64{sum, float64(results[len(results)-1])}
}

// f gets a part of the numbers up to count, one for each thread.
func parts(count int, f func(part, from, to int)) {
	var all sync.WaitGroup
	for part := range threads {
		all.Add(1)
		go func() {
			defer all.Done()
			f(part, count*part/threads, count*(part+1)/threads)
		}()
	}
	all.Wait()
}

func runs(before, run func()) []float64 {
	var took []float64
	end := time.Now().Add(time.Duration(measureMs) * time.Millisecond)
	for len(took) < fewest || (len(took) < most && time.Now().Before(end)) {
		before()
		start := time.Now()
		run()
		took = append(took, time.Since(start).Seconds()*1e3)
	}
	return took
}

func timed(before, run func()) []float64 {
	runs(before, run)
	return runs(before, run)
}

func nothing() {}

func sums(f func(xs []float64) float64) report {
	xs := made[float64](x)
	result := 0.0
	ms := timed(nothing, func() {
		sums := make([]float64, threads)
		parts(n, func(part, from, to int) { sums[part] = f(xs[from:to]) })
		result = 0
		for _, one := range sums {
			result += one
		}
	})
	return report{ms, []float64{result}}
}

func mapped(f func(xs, out []float64)) report {
	xs, out := made[float64](x), make([]float64, n)
	ms := timed(nothing, func() {
		parts(n, func(_, from, to int) { f(xs[from:to], out[from:to]) })
	})
	return report{ms, check(out)}
}

func saxpy[T float32 | float64]() report {
	xs, ys := made[T](x), made[T](y)
	run := func() {
		parts(n, func(_, from, to int) {
			xs, ys := xs[from:to], ys[from:to]
			for i := range xs {
				ys[i] += 2 * xs[i]
			}
		})
	}
	ms := timed(nothing, run)
	copy(ys, made[T](y))
	run()
	return report{ms, check(ys)}
}

func rows() report {
	xs, out := made[float64](x), make([]float64, n/columns)
	ms := timed(nothing, func() {
		parts(len(out), func(_, from, to int) {
			for r := from; r < to; r++ {
				sum := 0.0
				for _, one := range xs[r*columns : (r+1)*columns] {
					sum += one
				}
				out[r] = sum
			}
		})
	})
	return report{ms, check(out)}
}

func mandelbrot() report {
	height := float64(n / columns)
	out := make([]int32, n)
	ms := timed(nothing, func() {
		// Rows in turn: those of the middle take longer.
		parts(threads, func(part, _, _ int) {
			for row := part; row < n/columns; row += threads {
				cy := -1.25 + 2.5*float64(row)/height
				for column := range columns {
					cx := -2 + 2.5*float64(column)/columns
					zx, zy, k := 0.0, 0.0, int32(0)
					for k < iterations && zx*zx+zy*zy <= 4 {
						zx, zy = zx*zx-zy*zy+cx, 2*zx*zy+cy
						k++
					}
					out[row*columns+column] = k
				}
			}
		})
	})
	return report{ms, check(out)}
}

func toSort(kind string) []float64 {
	state := uint32(2463534242)
	all := make([]float64, n)
	for i := range all {
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
		u := float64(state) / (1 << 32)
		switch kind {
		case "skewed":
			square := u * u
			u = square * square * square * square
		case "distinct":
			u = math.Floor(u * 100)
		case "zipf":
			u = min(1e6, math.Floor(1/(u+1.0/(1<<33))))
		case "sorted":
			u = float64(i) / 2
		case "reversed":
			u = float64(n-i) / 2
		}
		all[i] = u
	}
	return all
}

// Each thread sorts a part; then neighbours are merged.
func sorted(workload string) report {
	input := toSort(strings.TrimPrefix(workload, "sort-"))
	array, spare := make([]float64, n), make([]float64, n)
	sort := func(part []float64) { slices.Sort(part) }
	if workload == "comparator" {
		sort = func(part []float64) { slices.SortFunc(part, cmp.Compare[float64]) }
	} else if workload == "stable" {
		sort = func(part []float64) { slices.SortStableFunc(part, cmp.Compare[float64]) }
	}
	ms := timed(func() { copy(array, input) }, func() {
		parts(n, func(_, from, to int) { sort(array[from:to]) })
		for width := 1; width < threads; width *= 2 {
			var all sync.WaitGroup
			for part := 0; part < threads; part += 2 * width {
				at := func(part int) int { return n * min(part, threads) / threads }
				all.Add(1)
				go func() {
					defer all.Done()
					merge(array[at(part):at(part+width)], array[at(part+width):at(part+2*width)], spare[at(part):])
				}()
			}
			all.Wait()
			array, spare = spare, array
		}
	})
	return report{ms, check(array)}
}

func merge(a, b, into []float64) {
	for at := 0; at < len(into) && len(a)+len(b) > 0; at++ {
		if len(b) == 0 || (len(a) > 0 && a[0] <= b[0]) {
			into[at], a = a[0], a[1:]
		} else {
			into[at], b = b[0], b[1:]
		}
	}
}

func main() {
	n, _ = strconv.Atoi(os.Args[2])
	threads, _ = strconv.Atoi(os.Args[3])
	measureMs, _ = strconv.Atoi(os.Args[4])
	runtime.GOMAXPROCS(threads)
	var result report
	switch workload := os.Args[1]; workload {
	case "map-sum":
		result = sums(func(xs []float64) float64 {
			sum := 0.0
			for _, one := range xs {
				sum += one*2 + 1
			}
			return sum
		})
	case "squares":
		result = sums(func(xs []float64) float64 {
			sum := 0.0
			for _, one := range xs {
				sum += one * one
			}
			return sum
		})
	case "sqrt":
		result = mapped(func(xs, out []float64) {
			for i, one := range xs {
				out[i] = math.Sqrt(one)*3 + 1
			}
		})
	case "conditional":
		result = mapped(func(xs, out []float64) {
			for i, one := range xs {
				if one > 250 {
					out[i] = one * 2
				} else {
					out[i] = one + 100
				}
			}
		})
	case "saxpy64":
		result = saxpy[float64]()
	case "saxpy32":
		result = saxpy[float32]()
	case "rows":
		result = rows()
	case "mandelbrot":
		result = mandelbrot()
	default:
		result = sorted(workload)
	}
	line, _ := json.Marshal(result)
	fmt.Println("\n" + string(line))
}
