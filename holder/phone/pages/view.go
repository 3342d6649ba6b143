package pages

import (
	"html/template"
	"slices"
	"time"

	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/internal/ceremony"
	"tegata/internal/ui"
	"tegata/issuer/ra"
)

// look is the state of a phone as its screens show it.
type look struct {
	phone.Look
	ModelName    ui.Text
	Models       []model
	Boot         string // "verified" or "unlocked"
	Certificates []certificate
	Requests     []request // that wait
	Liftable     string    // the hold that the card can end, or ""
	EndedWhy     *ui.Text  // why the pair ended, as the authority said
}

// model is a phone that the settings offer.
type model struct {
	ID        string
	Name      ui.Text
	Supported bool
}

// certificate is one of the two, as shown.
type certificate struct {
	phone.Certificate
	Cause string    // of the hold that is shown, "" without
	Why   string    // it was revoked, as ui.Revoked names it; "" when nobody said
	Birth time.Time // of its holder, when the certificate says so
}

// request is one that waits.
type request struct {
	ID          string
	Party, What ui.Text
}

// boots are the two ways a phone can start.
func boots() []string { return []string{"verified", "unlocked"} }

func lookOf(l phone.Look, models []phone.Model) look {
	v := look{Look: l, ModelName: ui.Text{JA: l.Model, EN: l.Model}, Boot: boots()[0]}
	if l.Unlocked {
		v.Boot = boots()[1]
	}
	for _, m := range models {
		v.Models = append(v.Models, model{ID: m.ID, Name: text(m.Name), Supported: m.Supported})
		if m.ID == l.Model {
			v.ModelName = text(m.Name)
		}
	}
	if l.Stage == phone.StageEnded {
		if ja, en := ra.EndReason(l.Ended).Because(); ja != "" {
			v.EndedWhy = &ui.Text{JA: ja + "、終わりました。", EN: "It has ended because " + en + "."}
		}
	}
	for _, c := range l.Certificates {
		row := certificate{Certificate: c}
		if c.Holder != nil {
			row.Birth, _ = c.Holder.Birth()
		}
		if c.State == "revoked" && !c.Since.IsZero() {
			row.Why = ui.Revoked(c.Reason)
		}
		for _, cause := range []string{"lost", "suspected"} {
			if v.Liftable == "" && slices.Contains(c.Causes, cause) {
				v.Liftable = cause
			}
		}
		if len(c.Causes) > 0 {
			row.Cause = c.Causes[0]
		}
		v.Certificates = append(v.Certificates, row)
	}
	return v
}

// text takes over a text of the ceremony.
func text(t ceremony.Text) ui.Text { return ui.Text{JA: t.JA, EN: t.EN} }

// party is who asks, as registered.
type party struct {
	Name  ui.Text
	Mark  string
	Logo  template.URL // in place of the mark
	Band  string       // class of its colour
	Since time.Time    // verified since; zero when not said
}

// ask is a request as it is shown, in the order in which it is read.
type ask struct {
	ID       string
	Party    party
	Through  *ui.Text // the provider that asks on behalf of Party
	Place    ui.Text
	Address  ui.Text
	Channel  string
	What     ui.Text
	Kind     string
	Risk     string
	Data     []datum
	Write    []line
	Sign     []*document
	NoRoom   bool // no copy of them can be kept
	Match    []string
	Password bool // the signature password, else the PIN
	Raised   bool // because the holder chose so
	Tries    int
	Until    time.Time
}

// datum is one piece of data that is asked for.
type datum struct {
	phone.Datum
	Given bool // chosen, before an entry that was not taken
}

// line is one line of what will be written or paid.
type line struct{ Label, Value ui.Text }

func askOf(a phone.Ask) ask {
	v := ask{
		ID: a.ID, Party: partyOf(a.Party), Place: text(a.Place), Address: text(a.Address), Channel: string(a.Channel),
		What: text(a.What), Kind: string(a.Kind), Risk: string(a.Risk), Match: a.Match,
		Password: a.Secret == element.Password, Raised: a.NoLock, NoRoom: a.NoRoom, Tries: a.Tries, Until: a.Until,
	}
	if a.Through != nil {
		name := text(a.Through.Name)
		v.Through = &name
	}
	for _, d := range a.Data {
		v.Data = append(v.Data, datum{Datum: d})
	}
	for _, l := range a.Write {
		v.Write = append(v.Write, line{text(l.Label), text(l.Value)})
	}
	return v
}

func partyOf(p phone.Party) party {
	v := party{Name: text(p.Name), Mark: p.Mark, Logo: ui.PNG(p.Logo), Band: "band-party"}
	for _, n := range ui.MarkNames() { // the colours of the parties we know
		if n == p.ID {
			v.Band = "band-" + n
		}
	}
	if t, err := time.Parse(time.DateOnly, p.Since); err == nil {
		v.Since = t
	}
	return v
}

// use is one entry of the history.
type use struct {
	phone.Use
	Party, What, Where, Why ui.Text
	Because                 string // a reason that the catalogue has words for, or ""
}

func useOf(u phone.Use) use {
	v := use{Use: u, Party: text(u.Party), What: text(u.What), Where: text(u.Where), Why: text(u.Why)}
	if slices.Contains(reasons(), u.Code) {
		v.Because = u.Code
	}
	return v
}

// reasons are the codes of a history that bring no sentence: why a person refused.
func reasons() []string {
	return []string{ceremony.ReasonNotMe, ceremony.ReasonUnwanted, ceremony.ReasonTooMuch, ceremony.ReasonNoMatch, ceremony.ReasonPhoneSays}
}

// outcome is what happened with an answer.
type outcome struct {
	Approved    bool
	Redirect    string
	Party, What ui.Text
	Copies      int  // of what was signed, that are kept now
	NoRoom      bool // for them
	Withdrawn   bool // refused after that, without a network
	Carry       bool // the terminal takes it at a second tap
}

func outcomeOf(o phone.Outcome) outcome {
	return outcome{Approved: o.Approved, Redirect: o.Redirect, Party: text(o.Party), What: text(o.What), Copies: o.Copies, NoRoom: o.NoRoom, Carry: o.Carry, Withdrawn: o.Withdrawn}
}
