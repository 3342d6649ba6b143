package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"
	"time"
)

// figure is one line of the table.
type figure struct {
	Benchmark string      `json:"benchmark"`
	Work      string      `json:"work"`
	Unit      string      `json:"unit"` // "/s": more is better; "ms": less is
	Ours      float64     `json:"ours"`
	Limit     float64     `json:"limit"`
	Ratio     float64     `json:"ratio"`                     // 1 is as fast as the limit, 0.5 takes twice as long
	Processor float64     `json:"processor_ratio,omitempty"` // the same of processor time, which others on the machine do not change
	Target    float64     `json:"target,omitempty"`
	KiB       float64     `json:"allocated_kib"` // a piece of work, with whoever asks for it
	LimitIs   string      `json:"limit_is"`
	Notes     []string    `json:"notes,omitempty"`
	Peer      *peerFigure `json:"peer,omitempty"`
}

// peerFigure is somebody else's program doing the same, in the same run.
type peerFigure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Ratio float64 `json:"ratio"` // above 1: ours is faster
}

// benchReport is what a run prints.
type benchReport struct {
	Machine machine  `json:"machine"`
	Date    string   `json:"date"`
	Quick   bool     `json:"quick"`
	Figures []figure `json:"figures"`
}

// machine says what the absolute figures are of.
type machine struct {
	CPU      string  `json:"cpu"`
	Cores    int     `json:"cores"` // that this process may use
	System   string  `json:"system"`
	Go       string  `json:"go"`
	Revision string  `json:"revision,omitempty"`
	FsyncMS  float64 `json:"fsync_ms"` // median of appending 4 KiB durably where the databases are
}

func describeMachine(dir string) machine {
	m := machine{CPU: cpuModel(), Cores: runtime.GOMAXPROCS(0), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				m.Revision = s.Value[:min(12, len(s.Value))]
			}
		}
	}
	m.FsyncMS = milliseconds(fsyncTime(dir))
	return m
}

// cpuModel is the processor's name where the system tells it.
func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// fsyncTime is the median of appending a page and waiting until it is on the disk;
// 0 when that cannot be tried.
func fsyncTime(dir string) time.Duration {
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return 0
	}
	defer f.Close()
	var took []time.Duration
	for range 25 {
		began := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil || f.Sync() != nil {
			return 0
		}
		took = append(took, time.Since(began))
	}
	return median(took)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// print writes the table for people, and below it what each limit is.
func (r benchReport) print(c console) error {
	m := r.Machine
	fmt.Fprintf(c.out, "%s, %d cores, %s, %s, fsync %.2f ms, %s\n", m.CPU, m.Cores, m.System, m.Go, m.FsyncMS, r.Date)
	if r.Quick {
		fmt.Fprintln(c.out, "-quick: the figures show that the bench works, and nothing else.")
	}
	fmt.Fprintln(c.out)
	table := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "WORK\tOURS\tLIMIT\tRATIO\tPROCESSOR\tTARGET\tPEER\tRATIO\tALLOCATED")
	for _, f := range r.Figures {
		processor, target, peer, peerRatio := "–", "–", "–", "–"
		if f.Processor > 0 {
			processor = ratio(f.Processor)
		}
		if f.Target > 0 {
			target = fmt.Sprintf("≥ %.2f", f.Target)
		}
		if f.Peer != nil {
			peer, peerRatio = f.amount(f.Peer.Value), fmt.Sprintf("%.1f×", f.Peer.Ratio)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Work, f.amount(f.Ours), f.amount(f.Limit), ratio(f.Ratio), processor, target, peer, peerRatio, kib(f.KiB))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprint(c.out, "\nA ratio of 1 is as fast as the limit, of 0.5 half as fast. Processor is the ratio of processor time,\nwith that of whoever asks: it leaves out the disk, and what else runs on the machine.\n\n")
	for _, f := range r.Figures {
		fmt.Fprintf(c.out, "%s: the limit is %s.", f.Work, f.LimitIs)
		if f.Peer != nil {
			fmt.Fprintf(c.out, " The peer is %s.", f.Peer.Name)
		}
		for _, n := range f.Notes {
			fmt.Fprintf(c.out, " %s.", n)
		}
		fmt.Fprintln(c.out)
	}
	return nil
}

// ratio has two digits that say something, however small it is.
func ratio(v float64) string {
	if v < 0.01 {
		return fmt.Sprintf("%.2g", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func kib(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.1f KiB", v)
	}
	return fmt.Sprintf("%.0f KiB", v)
}

// amount is a value with its unit.
func (f figure) amount(v float64) string {
	switch {
	case f.Unit == "ms" && v < 10:
		return fmt.Sprintf("%.2f ms", v)
	case f.Unit == "ms":
		return fmt.Sprintf("%.1f ms", v)
	}
	return fmt.Sprintf("%.0f%s", v, f.Unit)
}
