package pages

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/ui"
	"tegata/services/portal"
)

// The holder's own limits (使い方の制限): one question a screen. What is stricter holds
// when it is pressed; what is looser is prepared here and waits for the card.

// changePoll is how often the page of a prepared change asks whether the card has
// spoken.
const changePoll = 2 * time.Second

type rulesPage struct {
	Locks, Limits, Quiet, Classes []ui.Text // what holds; empty is nothing
	Changes                       []ruleChange
	Done                          bool
}

// ruleChange is one line of how the limits came to be.
type ruleChange struct {
	At    time.Time
	Card  bool
	Words []ui.Text
}

func (h *Handler) rules(w http.ResponseWriter, r *http.Request) {
	held, err := h.opt.Portal.RulesOf(r.Context(), h.cookie(r, sessionCookie))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	p := rulesOf(held)
	p.Done = r.URL.Query().Get("done") == "yes"
	h.show(w, r, ui.Screen{Page: "rules", Data: p})
}

func rulesOf(held ceremony.HeldRules) rulesPage {
	var p rulesPage
	for _, c := range ceremony.Categories() {
		if held.Rules.Locks(c) {
			p.Locks = append(p.Locks, text(c.Words()))
		}
	}
	for _, c := range withAll() {
		if n := held.Rules.Limit(c); n > 0 {
			words := c.Words()
			p.Limits = append(p.Limits, ui.Text{JA: fmt.Sprintf("%s：1日%d回まで", words.JA, n), EN: fmt.Sprintf("%s: %d a day", words.EN, n)})
		}
	}
	if held.Rules.Quiet != nil {
		p.Quiet = append(p.Quiet, text(held.Rules.Quiet.Words()))
	}
	for _, x := range held.Rules.Normal().Raised {
		of, to := x.Of.Words(), x.To.Words()
		if x.Of == "" {
			of = ceremony.Text{JA: x.Party, EN: x.Party}
		}
		p.Classes = append(p.Classes, ui.Text{JA: of.JA + "：" + to.JA, EN: of.EN + ": " + to.EN})
	}
	for i, c := range held.Changes {
		line := ruleChange{At: time.Unix(c.At, 0), Card: c.By == ceremony.RulesByCard}
		var before ceremony.Rules
		if i+1 < len(held.Changes) {
			before = held.Changes[i+1].Rules
		} else if c.Rules.Version > 1 {
			break // what was before it is not told any more
		}
		for _, d := range before.Differences(c.Rules) {
			line.Words = append(line.Words, text(d.Words()))
		}
		p.Changes = append(p.Changes, line)
	}
	return p
}

func withAll() []ceremony.Category { return append([]ceremony.Category{""}, ceremony.Categories()...) }

// rulePage is one question. ID is the change's: sent twice, it is one.
type rulePage struct {
	ID      string
	Rows    []ruleRow
	Choices []choice // of each row
	Hours   []choice
	Quiet   string // none, pin, refuse
	From    string
	To      string
	Trouble *ui.Trouble
}

// ruleRow is one category, or one purpose of a party.
type ruleRow struct {
	Name  string // of its field
	Words ui.Text
	Value string
	On    bool
}

// choice is one entry of a list.
type choice struct {
	Value string
	Words ui.Text
}

// question shows one of the screens.
func (h *Handler) question(page string, fill func(*rulePage, ceremony.Rules, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		held, err := h.opt.Portal.RulesOf(r.Context(), h.cookie(r, sessionCookie))
		if err != nil {
			h.fail(w, r, err)
			return
		}
		p := rulePage{ID: ceremony.NewID(), Trouble: h.site.Said(r).Trouble}
		fill(&p, held.Rules, r)
		h.show(w, r, ui.Screen{Page: page, Data: p, Bad: p.Trouble != nil})
	}
}

// change takes what was chosen on one of the screens. It changes that part of what
// holds now and nothing else: an older screen can at worst ask for the card.
func (h *Handler) change(path string, choose func(*http.Request, *ceremony.Rules) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := h.cookie(r, sessionCookie)
		held, err := h.opt.Portal.RulesOf(r.Context(), token)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		to, id := held.Rules.Normal(), r.PostFormValue("id")
		if err = choose(r, &to); err != nil || to.Check() != nil || !ceremony.ValidID(id) {
			h.site.GoTo(w, r, ui.Later{Path: path, Trouble: ui.TroubleOf(w, portal.ErrRulesForm)}, "")
			return
		}
		if len(held.Rules.Differences(to)) == 0 { // pressed twice, or nothing chosen
			http.Redirect(w, r, "/rules?done=yes", http.StatusSeeOther)
			return
		}
		done, err := h.opt.Portal.ChangeRules(r.Context(), token, id, held.Rules, to)
		switch {
		case err != nil:
			h.fail(w, r, err)
		case done.Waits:
			http.Redirect(w, r, "/rules/loosen/"+url.PathEscape(done.Proposal), http.StatusSeeOther)
		default:
			http.Redirect(w, r, "/rules?done=yes", http.StatusSeeOther)
		}
	}
}

func fillLocks(p *rulePage, held ceremony.Rules, _ *http.Request) {
	for _, c := range ceremony.Categories() {
		p.Rows = append(p.Rows, ruleRow{Name: "lock", Words: text(c.Words()), Value: string(c), On: held.Locks(c)})
	}
}

func chooseLocks(r *http.Request, to *ceremony.Rules) error {
	to.Locked = nil
	if err := r.ParseForm(); err != nil {
		return err
	}
	for _, c := range r.PostForm["lock"] {
		to.Locked = append(to.Locked, ceremony.Category(c))
	}
	return nil
}

func fillLimits(p *rulePage, held ceremony.Rules, _ *http.Request) {
	for _, c := range withAll() {
		p.Rows = append(p.Rows, ruleRow{Name: "limit-" + string(c), Words: text(c.Words()), Value: strconv.Itoa(held.Limit(c))})
	}
	for _, n := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 30, 50, 99} {
		words := ui.Text{JA: fmt.Sprintf("1日%d回まで", n), EN: fmt.Sprintf("%d a day", n)}
		if n == 0 {
			words = ui.Text{JA: "決めない", EN: "no limit"}
		}
		p.Choices = append(p.Choices, choice{strconv.Itoa(n), words})
	}
	for _, row := range p.Rows { // what holds is always among them
		n, _ := strconv.Atoi(row.Value)
		if !slices.ContainsFunc(p.Choices, func(c choice) bool { return c.Value == row.Value }) {
			p.Choices = append(p.Choices, choice{row.Value, ui.Text{JA: fmt.Sprintf("1日%d回まで", n), EN: fmt.Sprintf("%d a day", n)}})
		}
	}
	slices.SortStableFunc(p.Choices, func(a, b choice) int {
		x, _ := strconv.Atoi(a.Value)
		y, _ := strconv.Atoi(b.Value)
		return cmp.Compare(x, y)
	})
}

func chooseLimits(r *http.Request, to *ceremony.Rules) error {
	to.Daily = nil
	for _, c := range withAll() {
		n, err := strconv.Atoi(r.PostFormValue("limit-" + string(c)))
		if err != nil {
			return err
		}
		if n != 0 {
			to.Daily = append(to.Daily, ceremony.DailyLimit{Of: c, Uses: n})
		}
	}
	return nil
}

func fillQuiet(p *rulePage, held ceremony.Rules, _ *http.Request) {
	p.Quiet, p.From, p.To = "none", "23:00", "06:00"
	if q := held.Quiet; q != nil {
		p.Quiet, p.From, p.To = "pin", ceremony.Clock(q.From), ceremony.Clock(q.To)
		if q.Refuse {
			p.Quiet = "refuse"
		}
	}
	for minute := 0; minute < 24*60; minute += 60 {
		p.Hours = append(p.Hours, choice{Value: ceremony.Clock(minute)})
	}
	for _, at := range []string{p.From, p.To} { // of another party's making, perhaps not a full hour
		if !slices.ContainsFunc(p.Hours, func(c choice) bool { return c.Value == at }) {
			p.Hours = append(p.Hours, choice{Value: at})
		}
	}
}

func chooseQuiet(r *http.Request, to *ceremony.Rules) error {
	kind := r.PostFormValue("quiet")
	to.Quiet = nil
	switch kind {
	case "none":
		return nil
	case "pin", "refuse":
	default:
		return errors.New("pages: no such choice")
	}
	from, err := minuteOf(r.PostFormValue("from"))
	until, err2 := minuteOf(r.PostFormValue("to"))
	to.Quiet = &ceremony.QuietHours{From: from, To: until, Refuse: kind == "refuse"}
	return errors.Join(err, err2)
}

func minuteOf(clock string) (int, error) {
	t, err := time.Parse("15:04", clock)
	return t.Hour()*60 + t.Minute(), err
}

// fillClasses has a row a category, one a purpose that was raised before, and one for
// the use from whose page the person came.
func (h *Handler) fillClasses(p *rulePage, held ceremony.Rules, r *http.Request) {
	for _, d := range []ceremony.Demand{"", ceremony.DemandPIN, ceremony.DemandPassword} {
		p.Choices = append(p.Choices, choice{string(d), text(d.Words())})
	}
	for _, c := range ceremony.Categories() {
		x := ceremony.Raised{Of: c}
		p.Rows = append(p.Rows, ruleRow{Name: "class-" + string(c), Words: text(c.Words()), Value: string(demandOf(held, x))})
	}
	purposes := slices.DeleteFunc(slices.Clone(held.Raised), func(x ceremony.Raised) bool { return x.Of != "" })
	home, u, err := h.opt.Portal.UseOf(r.Context(), h.cookie(r, sessionCookie), r.URL.Query().Get("use"))
	if err != nil {
		home, _ = h.opt.Portal.HomeOf(r.Context(), h.cookie(r, sessionCookie))
	} else if u.PurposeCode != "" && demandOf(held, ceremony.Raised{Party: u.Party, Purpose: u.PurposeCode}) == "" {
		purposes = append(purposes, ceremony.Raised{Party: u.Party, Purpose: u.PurposeCode})
	}
	for _, x := range purposes {
		words := ui.Text{JA: x.Party + " " + x.Purpose, EN: x.Party + " " + x.Purpose}
		if i := slices.IndexFunc(home.Snapshot.Uses, func(u portal.Use) bool { return u.Party == x.Party && u.PurposeCode == x.Purpose }); i >= 0 {
			u := home.Snapshot.Uses[i]
			words = ui.Text{JA: u.Name.JA + "「" + u.Purpose.JA + "」", EN: u.Name.EN + ": " + u.Purpose.EN}
		}
		p.Rows = append(p.Rows, ruleRow{Name: "one " + x.Party + " " + x.Purpose, Words: words, Value: string(x.To)})
	}
}

func demandOf(held ceremony.Rules, x ceremony.Raised) ceremony.Demand {
	for _, y := range held.Raised {
		if y.Of == x.Of && y.Party == x.Party && y.Purpose == x.Purpose {
			return y.To
		}
	}
	return ""
}

func chooseClasses(r *http.Request, to *ceremony.Rules) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	var raised []ceremony.Raised
	for name, values := range r.PostForm {
		var x ceremony.Raised
		var party, purpose string
		if c, ok := strings.CutPrefix(name, "class-"); ok {
			x.Of = ceremony.Category(c)
		} else if n, _ := fmt.Sscanf(name, "one %s %s", &party, &purpose); n == 2 {
			x.Party, x.Purpose = party, purpose
		} else {
			continue
		}
		if x.To = ceremony.Demand(values[0]); x.To != "" {
			raised = append(raised, x)
		}
	}
	// A purpose that this screen did not show stays as it is.
	for _, x := range to.Raised {
		if x.Of == "" && !r.PostForm.Has("one "+x.Party+" "+x.Purpose) {
			raised = append(raised, x)
		}
	}
	to.Raised = raised
	return nil
}
