// One of four workers of one line protocol, in Go: measures that languages can be mixed.
//
// A line "ID N" is answered with "ID SUM": the sum of i * i mod 1000003 for all i below N. When its input ends it prints
// one line of JSON: its language and how many lines it has answered.
package main

import (
	"bufio"
	"fmt"
	"os"
)

const modulus = 1_000_003

func main() {
	answered := 0
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var name string
		var n, sum uint64
		if _, err := fmt.Sscan(lines.Text(), &name, &n); err != nil {
			panic(err)
		}
		for i := range n {
			sum += i * i % modulus
		}
		fmt.Println(name, sum)
		answered++
	}
	fmt.Printf("{\"language\": \"go\", \"answered\": %d}\n", answered)
}
