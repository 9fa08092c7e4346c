// Command goevents measures docker/go-events on the shapes sinkgraph's own benchmark runs.
//
// It prints one JSON line per shape. A figure is wall time from just before the first Write to the
// moment the last branch has been handed its last event, divided by the number of events written.
// Building the tree, closing it and collecting garbage left by earlier repeats are not timed.
//
// The library is used in its fastest correct way: one event value, made once, is written again and
// again (so no allocation is charged to the library that is not its own), terminals count in a
// plain integer (only one goroutine ever writes to each), the logger is at its default level, and
// the caller runs the program once with one processor and once with all and keeps the faster.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"

	events "github.com/docker/go-events"
)

// notification is what travels: the two fields the filter shape looks at.
type notification struct {
	ID     string
	Action string
}

// counter is a terminal that counts, forgets, and reports once when it has seen enough.
// Exactly one goroutine writes to it.
type counter struct {
	seen int
	want int
	done *sync.WaitGroup
}

func (c *counter) Write(events.Event) error {
	c.seen++
	if c.seen == c.want {
		c.done.Done()
	}
	return nil
}

func (c *counter) Close() error { return nil }

// tree is something to write to, how many of n written events each branch gets, and its branches.
type tree struct {
	root     events.Sink
	counters []*counter
}

// shape builds a fresh tree whose counters report after n writes.
type shape struct {
	name     string
	branches int
	build    func(n int, done *sync.WaitGroup) tree
}

func newCounter(want int, done *sync.WaitGroup) *counter {
	done.Add(1)
	return &counter{want: want, done: done}
}

// lane is queue → retry (breaker) → counter.
func lane(c *counter) events.Sink {
	return events.NewQueue(events.NewRetryingSink(c, events.NewBreaker(5, time.Second)))
}

func queueRetry(n int, done *sync.WaitGroup) tree {
	c := newCounter(n, done)
	return tree{lane(c), []*counter{c}}
}

func broadcast(branches int) func(int, *sync.WaitGroup) tree {
	return func(n int, done *sync.WaitGroup) tree {
		counters := make([]*counter, branches)
		sinks := make([]events.Sink, branches)
		for i := range sinks {
			counters[i] = newCounter(n, done)
			sinks[i] = lane(counters[i])
		}
		return tree{events.NewBroadcaster(sinks...), counters}
	}
}

// filter lets every second event pass.
func filter(n int, done *sync.WaitGroup) tree {
	c := newCounter((n+1)/2, done)
	isPush := events.MatcherFunc(func(event events.Event) bool {
		return event.(*notification).Action == "push"
	})
	return tree{events.NewFilter(c, isPush), []*counter{c}}
}

func shapes() []shape {
	all := []shape{
		{"queue_retry", 1, queueRetry},
		{"filter", 1, filter},
	}
	for _, n := range []int{1, 10, 100, 1000} {
		all = append(all, shape{fmt.Sprintf("broadcast_%d", n), n, broadcast(n)})
	}
	return all
}

// once writes n events through a fresh tree and returns the wall time until all are delivered.
func once(s shape, n int) (time.Duration, error) {
	var done sync.WaitGroup
	t := s.build(n, &done)
	// The filter shape sees pushes and pulls in turn; the others do not look.
	written := [2]events.Event{
		&notification{ID: "1", Action: "push"},
		&notification{ID: "2", Action: "pull"},
	}
	runtime.GC()
	began := time.Now()
	for i := 0; i < n; i++ {
		if err := t.root.Write(written[i&1]); err != nil {
			return 0, fmt.Errorf("%s: write %d: %w", s.name, i, err)
		}
	}
	done.Wait()
	took := time.Since(began)
	if err := t.root.Close(); err != nil {
		return 0, fmt.Errorf("%s: close: %w", s.name, err)
	}
	for i, c := range t.counters {
		if c.seen != c.want {
			return 0, fmt.Errorf("%s: branch %d got %d of %d events", s.name, i, c.seen, c.want)
		}
	}
	return took, nil
}

type figure struct {
	Shape    string  `json:"shape"`
	Branches int     `json:"branches"`
	Events   int     `json:"events"`
	Repeats  int     `json:"repeats"`
	NsMin    float64 `json:"ns_min"`
	NsMedian float64 `json:"ns_median"`
	Procs    int     `json:"procs"`
	Go       string  `json:"go"`
}

// measure finds how many events fill one repeat, then repeats until the budget is spent.
func measure(s shape, budget time.Duration, repeats int) (figure, error) {
	slice := budget / time.Duration(repeats+2)
	n := 64
	for {
		took, err := once(s, n)
		if err != nil {
			return figure{}, err
		}
		if took >= slice/4 {
			n = int(float64(n) * float64(slice) / float64(took))
			break
		}
		n *= 4
	}
	if n < 16 {
		n = 16
	}
	var each []float64
	began := time.Now()
	for len(each) < repeats && (len(each) < 3 || time.Since(began) < budget) {
		took, err := once(s, n)
		if err != nil {
			return figure{}, err
		}
		each = append(each, float64(took.Nanoseconds())/float64(n))
	}
	sort.Float64s(each)
	return figure{
		Shape: s.name, Branches: s.branches, Events: n, Repeats: len(each),
		NsMin: each[0], NsMedian: each[len(each)/2],
		Procs: runtime.GOMAXPROCS(0), Go: runtime.Version(),
	}, nil
}

func main() {
	wanted := flag.String("shapes", "", "comma-separated names; empty means all")
	budget := flag.Duration("budget", 2*time.Second, "time per shape")
	repeats := flag.Int("repeats", 7, "timed repeats per shape")
	flag.Parse()
	if *repeats < 1 || *budget <= 0 {
		fmt.Fprintln(os.Stderr, "goevents: -repeats and -budget must be positive")
		os.Exit(2)
	}

	known := map[string]shape{}
	var order []string
	for _, s := range shapes() {
		known[s.name] = s
		order = append(order, s.name)
	}
	if *wanted != "" {
		order = strings.Split(*wanted, ",")
	}
	for _, name := range order {
		s, ok := known[name]
		if !ok {
			fmt.Fprintf(os.Stderr, "goevents: no shape is named %q\n", name)
			os.Exit(2)
		}
		found, err := measure(s, *budget, *repeats)
		if err != nil {
			fmt.Fprintln(os.Stderr, "goevents:", err)
			os.Exit(1)
		}
		if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
			fmt.Fprintln(os.Stderr, "goevents:", err)
			os.Exit(1)
		}
	}
}
