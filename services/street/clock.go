package street

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/trace"
)

// farthest is how far one step may go.
const farthest = 10 * 366 * 24 * time.Hour

// clockState is GET /clock and the answer of POST /clock/advance.
type clockState struct {
	Now           time.Time `json:"now"`
	OffsetSeconds int64     `json:"offset_seconds"`
	Offset        string    `json:"offset"`
}

func (h *Handler) clockState() clockState {
	o := h.conf.Clock.Offset().Round(time.Second)
	return clockState{Now: h.conf.Clock.Now().UTC(), OffsetSeconds: int64(o / time.Second), Offset: o.String()}
}

func (h *Handler) clock(w http.ResponseWriter, _ *http.Request) {
	httpd.WriteJSON(w, http.StatusOK, h.clockState())
}

// advance answers POST /clock/advance {"duration":"31d"} when all work that
// fell due on the way is done.
func (h *Handler) advance(w http.ResponseWriter, r *http.Request) {
	if !h.conf.Token.Opens(r) {
		httpd.WriteProblem(w, r, httpd.ErrOperator)
		return
	}
	var in struct {
		Duration string `json:"duration"`
	}
	if err := httpd.ReadJSON(w, r, &in); err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	if !h.progress().Done {
		httpd.WriteProblem(w, r, errNotMade) // the makers walk the clock themselves
		return
	}
	d, err := parseDuration(in.Duration)
	if err != nil {
		httpd.WriteProblem(w, r, errDuration.Because(err))
		return
	}
	// Years of due work take longer than an ordinary answer may.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	if err := h.walk(r.Context(), d); err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	httpd.WriteJSON(w, http.StatusOK, h.clockState())
}

// walk moves the clock, one walk at a time: errClockBusy while another goes on.
func (h *Handler) walk(ctx context.Context, d time.Duration) error {
	if !h.beginWalk(d) {
		return errClockBusy
	}
	return h.endWalk(ctx, d)
}

// beginWalk takes the right to move the clock; false when somebody has it.
func (h *Handler) beginWalk(d time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.walking != 0 {
		return false
	}
	h.walking, h.walkErr = d, nil
	return true
}

func (h *Handler) endWalk(ctx context.Context, d time.Duration) error {
	err := h.conf.Clock.Advance(ctx, d)
	h.mu.Lock()
	h.walking, h.walkErr = 0, err
	h.mu.Unlock()
	e := trace.Event{At: h.conf.Clock.Now(), From: "street", Kind: "clock",
		TitleJA: "時計を進めました", TitleEN: "The clock was turned forward",
		Detail: map[string]string{"duration": d.String(), "now": h.conf.Clock.Now().UTC().Format(time.RFC3339)}}
	if err != nil {
		e.TitleJA, e.TitleEN = "時計は途中で止まりました", "The clock stopped on its way"
		h.log.ErrorContext(ctx, "clock not advanced", "duration", d, "error", err)
	}
	h.ring.add(e)
	return err
}

// walkState is whether the clock moves now, and what stopped it last time.
func (h *Handler) walkState() (time.Duration, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.walking, h.walkErr
}

// parseDuration reads Go's durations plus d for days: "31d", "1d12h", "90m".
// Only forward, at least a second, at most farthest.
func parseDuration(s string) (time.Duration, error) {
	var total time.Duration
	if days, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > int(farthest/(24*time.Hour)) {
			return 0, errors.New("street: not a number of days")
		}
		total, s = time.Duration(n)*24*time.Hour, rest
	}
	if s != "" || total == 0 {
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			return 0, errors.New("street: not a duration")
		}
		total += d
	}
	if total < time.Second || total > farthest {
		return 0, errors.New("street: forward only, at most ten years")
	}
	return total, nil
}
