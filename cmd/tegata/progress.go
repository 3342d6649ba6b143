package main

import (
	"sync"

	"tegata/internal/ui"
	"tegata/services/street"
)

// progress is how far the neighbourhood is made, for the start page and the
// terminal. The zero value has no steps yet.
type progress struct {
	mu    sync.Mutex // guards all below
	state street.Progress
	told  func(ui.Text) // told of each step that begins; may be nil
}

func (p *progress) now() street.Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.state
	s.Steps = append([]street.Step(nil), p.state.Steps...)
	return s
}

// plan sets the steps.
func (p *progress) plan(steps ...street.Step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range steps {
		steps[i].State = "next"
	}
	p.state.Steps = steps
}

// begin ends the step before and begins step i.
func (p *progress) begin(i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k := range i {
		p.state.Steps[k].State = "done"
	}
	p.state.Steps[i].State = "now"
	if p.told != nil {
		p.told(p.state.Steps[i].Name)
	}
}

// count tells that one more of step i is made.
func (p *progress) count(i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Steps[i].Count++
}

func (p *progress) usable() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Usable = true
}

func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.state.Steps {
		p.state.Steps[i].State = "done"
	}
	p.state.Usable, p.state.Done = true, true
}

func (p *progress) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.Failed = err.Error()
}
