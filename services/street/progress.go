package street

import "tegata/internal/ui"

// Progress is how far the neighbourhood is made.
type Progress struct {
	// Steps in the order in which they happen.
	Steps []Step
	// Usable is set once the first card and the first phone can be used; the
	// rest is made behind the person's back.
	Usable bool
	// Done is set when nothing is left to make.
	Done bool
	// Failed says why making stopped, for the operator; "" while it goes on.
	Failed string
}

// Step is one thing that is made.
type Step struct {
	Name  ui.Text // "認証局の鍵" …
	Count int     // made so far
	Of    int     // of how many; 0 when it is not counted
	State string  // "next", "now", "done"
}

// Now is the step under way, or the zero Step.
func (p Progress) Now() Step {
	for _, s := range p.Steps {
		if s.State == "now" {
			return s
		}
	}
	return Step{}
}

// Percent is how much of all steps is done, each step weighing the same.
func (p Progress) Percent() int {
	if p.Done || len(p.Steps) == 0 {
		return 100
	}
	var done float64
	for _, s := range p.Steps {
		switch {
		case s.State == "done":
			done++
		case s.State == "now" && s.Of > 0:
			done += float64(min(s.Count, s.Of)) / float64(s.Of)
		}
	}
	return int(100 * done / float64(len(p.Steps)))
}

// progress is how far we are now.
func (h *Handler) progress() Progress {
	if h.conf.Progress == nil {
		return Progress{Usable: true, Done: true}
	}
	p := h.conf.Progress()
	p.Usable = p.Usable || p.Done
	return p
}
