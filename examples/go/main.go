// A processor in Go: adds up an order. It needs nothing but Go's standard library.
//
//	CGO_ENABLED=0 go build -o worker .
//	PROCESSOR=exec:./worker
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math"
	"os"
)

type call struct {
	ID       string `json:"id"`
	Document order  `json:"document"`
}

type order struct {
	Lines []struct {
		Quantity  float64 `json:"quantity"`
		UnitPrice float64 `json:"unit_price"`
	} `json:"lines"`
}

type answer struct {
	ID        string         `json:"id"`
	OK        bool           `json:"ok"`
	Result    map[string]any `json:"result,omitempty"`
	Error     string         `json:"error,omitempty"`
	Permanent bool           `json:"permanent,omitempty"`
}

func total(order order) (float64, error) {
	if len(order.Lines) == 0 {
		return 0, fmt.Errorf("the order has no lines")
	}
	cents := 0.0
	for _, line := range order.Lines {
		cents += line.Quantity * math.Round(line.UnitPrice*100)
	}
	return cents / 100, nil
}

func main() {
	log.SetFlags(0)                   // log writes to standard error: the agent logs it
	in := bufio.NewReader(os.Stdin)   // not a Scanner, which refuses long lines
	out := json.NewEncoder(os.Stdout) // one write for each answer, and nothing is kept back
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return // the agent stops
		} else if err != nil {
			log.Fatal(err)
		}
		var given call
		if err := json.Unmarshal(line, &given); err != nil && given.ID == "" {
			log.Fatalf("cannot read %q: %v", line, err)
		} else if err != nil { // the document has fields of other types
			out.Encode(answer{ID: given.ID, Error: err.Error(), Permanent: true})
			continue
		}
		sum, err := total(given.Document)
		if err != nil {
			out.Encode(answer{ID: given.ID, Error: err.Error(), Permanent: true})
			continue
		}
		out.Encode(answer{ID: given.ID, OK: true, Result: map[string]any{"set": map[string]any{"total": sum}}})
	}
}
