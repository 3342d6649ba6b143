package phone

import (
	"context"
	"errors"
	"net/http"
	"time"

	"tegata/holder/element"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/secret"
)

// Door is the phones of this machine without a screen: what scripts and relying
// parties' tests do in place of a person. Whoever holds Token holds every phone
// here, as whoever sits at this machine does. Secrets come in bodies over the
// loopback, from their owner's command line to the own phone.
type Door struct {
	Phones *Phones
	Token  httpd.OperatorToken // zero admits nobody
}

// View is a phone as scripts see it.
type View struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	State        Stage             `json:"state"`
	Resident     string            `json:"resident"`
	Model        string            `json:"model"`
	Reader       string            `json:"reader"`
	Tapped       bool              `json:"tapped"`
	Certificates []ViewCertificate `json:"certificates"`
	Settings     ViewSettings      `json:"settings"`
	Tries        ViewTries         `json:"tries"`
	StatesAt     *time.Time        `json:"states_at,omitempty"` // of which moment each status is
	StatesAsked  bool              `json:"states_asked"`        // the authority was asked for it just now
	LastCheckIn  *time.Time        `json:"last_check_in,omitempty"`
	OpenUntil    *time.Time        `json:"open_until,omitempty"`
	Untold       *time.Time        `json:"untold,omitempty"`  // since when it is wiped and the authority not told
	Receipt      *Receipt          `json:"receipt,omitempty"` // of the last time it was given up
}

// ViewCertificate is one of the phone's two.
type ViewCertificate struct {
	Kind     pki.Kind  `json:"kind"`
	Serial   string    `json:"serial"`
	Status   string    `json:"status"`
	NotAfter time.Time `json:"not_after"`
	PEM      string    `json:"pem"`
}

// ViewSettings are the switches of the phone.
type ViewSettings struct {
	NFC      bool `json:"nfc"`
	Network  bool `json:"network"`
	Power    bool `json:"power"`
	Unlocked bool `json:"unlocked"` // the boot loader
}

// ViewTries are what is left of the phone's two secrets.
type ViewTries struct {
	PIN      int `json:"pin"`
	Password int `json:"password"`
}

func view(l Look) View {
	v := View{ID: l.ID, Name: l.Name, State: l.Stage, Resident: l.Resident, Model: l.Model, Reader: l.Reader, Tapped: l.Tapped,
		Certificates: []ViewCertificate{}, StatesAsked: l.StatesAsked,
		Settings: ViewSettings{NFC: l.NFC, Network: l.Network, Power: l.Power, Unlocked: l.Unlocked},
		Tries:    ViewTries{PIN: l.PINTries, Password: l.PasswordTries}}
	for _, c := range l.Certificates {
		v.Certificates = append(v.Certificates, ViewCertificate{Kind: c.Kind, Serial: c.Serial, Status: c.State, NotAfter: c.NotAfter, PEM: c.PEM})
	}
	if !l.StatesAt.IsZero() {
		v.StatesAt = &l.StatesAt
	}
	if !l.LastCheckIn.IsZero() {
		v.LastCheckIn = &l.LastCheckIn
	}
	if !l.OpenUntil.IsZero() {
		v.OpenUntil = &l.OpenUntil
	}
	if !l.Untold.IsZero() {
		v.Untold = &l.Untold
	}
	if l.Stage != StageRegistered && l.Untold.IsZero() {
		v.Receipt = l.Receipt
	}
	return v
}

// Routes is everything that can be done to a phone without its screen.
func (d *Door) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/phones", d.list)
	mux.HandleFunc("POST /v1/phones", d.create)
	on := func(pattern string, f func(context.Context, *Phone, *http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			p, err := d.Phones.Find(r.Context(), r.PathValue("id"))
			if err != nil {
				httpd.WriteProblem(w, r, err)
				return
			}
			v, err := f(r.Context(), p, r)
			if err != nil {
				httpd.WriteProblem(w, r, err)
				return
			}
			httpd.WriteJSON(w, http.StatusOK, v)
		})
	}
	on("GET /v1/phones/{id}", show)
	on("POST /v1/phones/{id}/settings", set)
	on("POST /v1/phones/{id}/enrol", enrol)
	on("POST /v1/phones/{id}/noted", noted)
	on("POST /v1/phones/{id}/present", present)
	on("GET /v1/phones/{id}/present", presented)
	on("DELETE /v1/phones/{id}/present", takeAway)
	on("POST /v1/phones/{id}/approve", approve)
	on("POST /v1/phones/{id}/sign", sign)
	on("POST /v1/phones/{id}/checkin", checkIn)
	on("POST /v1/phones/{id}/stop", stop)
	on("POST /v1/phones/{id}/deliver", deliver)
	on("POST /v1/phones/{id}/revoke-by-card", revokeByCard)
	on("POST /v1/phones/{id}/reset", reset)
	on("POST /v1/phones/{id}/found", found)
	on("POST /v1/phones/{id}/reissue", reissue)
	on("POST /v1/phones/{id}/report-lost", reportLost)
	on("POST /v1/phones/{id}/change-secret", changeSecret)
	on("POST /v1/phones/{id}/reset-pin", resetPIN)
	on("POST /v1/phones/{id}/reset-password", resetPassword)
	on("POST /v1/phones/{id}/support-number", supportNumber)
	on("POST /v1/phones/{id}/loosen", loosen)
	on("POST /v1/phones/{id}/address", contact)
	return d.Token.Guard(mux)
}

func (d *Door) list(w http.ResponseWriter, r *http.Request) {
	all, err := d.Phones.All(r.Context())
	views := []View{}
	for _, p := range all {
		var l Look
		if l, err = p.Look(r.Context()); err != nil {
			break
		}
		views = append(views, view(l))
	}
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	httpd.WriteJSON(w, http.StatusOK, struct {
		Phones []View `json:"phones"`
	}{views})
}

// create makes a phone; made again with the same id it is ErrPhoneExists.
func (d *Door) create(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Model    string `json:"model"`
		Resident string `json:"resident"`
	}
	if err := httpd.ReadJSON(w, r, &in); err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	p, err := d.Phones.Create(r.Context(), NewPhone{ID: in.ID, Name: in.Name, Model: in.Model, Resident: in.Resident})
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	v, err := show(r.Context(), p, r)
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	httpd.WriteJSON(w, http.StatusCreated, v)
}

func show(ctx context.Context, p *Phone, _ *http.Request) (any, error) {
	l, err := p.LookNow(ctx)
	return view(l), err
}

func set(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	var in struct {
		NFC     *bool   `json:"nfc"`
		Network *bool   `json:"network"`
		Power   *bool   `json:"power"`
		Model   *string `json:"model"`
		Boot    *string `json:"boot"` // "verified" or "unlocked"
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if err := p.Set(ctx, Change{NFC: in.NFC, Network: in.Network, Power: in.Power, Model: in.Model, Boot: in.Boot}); err != nil {
		return nil, err
	}
	return show(ctx, p, r)
}

// enrol is a whole registration. The lock code goes to the caller each time until
// the caller says that it is noted, as the page shows it to its person.
func enrol(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	var in struct {
		Card     secret.Password `json:"card_signature_password"`
		PIN      secret.PIN      `json:"phone_auth_pin"`
		Password secret.Password `json:"phone_signature_password"`
		Replace  bool            `json:"replace"`
		Reader   string          `json:"reader"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	code, err := p.Enrol(ctx, Secrets{Card: in.Card, PIN: in.PIN, Password: in.Password}, EnrolOptions{Replace: in.Replace, Reader: in.Reader})
	if err != nil {
		return nil, err
	}
	l, err := p.Look(ctx)
	return struct {
		View
		LockCode string `json:"lock_code"`
	}{view(l), code.Groups()}, err
}

// noted says that the lock code was written down: the phone forgets it.
func noted(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	if err := p.NotedLockCode(ctx); err != nil {
		return nil, err
	}
	return show(ctx, p, r)
}

// approve fetches a request and answers it. The redirect is where the browser
// that began it goes on; a terminal's script opens it with that browser's cookies.
func approve(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	var in struct {
		Request  string          `json:"request"` // request_uri, or the link that carries it
		Match    string          `json:"match"`
		Refuse   bool            `json:"refuse"`
		Reason   string          `json:"reason"`
		PIN      secret.PIN      `json:"phone_auth_pin"`
		Password secret.Password `json:"phone_signature_password"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	ask, err := p.FetchElsewhere(ctx, in.Request) // the script named it
	if err != nil {
		return nil, err
	}
	reply := Reply{Shown: ask.Shown, Approve: !in.Refuse, Reason: in.Reason, Match: in.Match}
	for _, d := range ask.Data {
		reply.Granted = append(reply.Granted, d.Code)
	}
	for _, d := range ask.Sign { // a script is told what it signs by the request it named
		reply.Seen = append(reply.Seen, d.SHA256)
	}
	if reply.Approve {
		reply.Unlock = element.Unlock{PIN: in.PIN}
		if ask.Secret == element.Password {
			reply.Unlock = element.Unlock{Password: in.Password}
		}
	}
	out, err := p.Answer(ctx, ask.ID, reply)
	if err != nil {
		return nil, err
	}
	return struct {
		Approved  bool   `json:"approved"`
		Carry     bool   `json:"carry,omitempty"`     // signed; the terminal takes it at a second tap
		Withdrawn bool   `json:"withdrawn,omitempty"` // what was signed is taken back, and that is told later
		Redirect  string `json:"redirect,omitempty"`
		Party     string `json:"party"`
		What      string `json:"what"`
	}{out.Approved, out.Carry, out.Withdrawn, out.Redirect, out.Party.JA, out.What.JA}, nil
}

// sign makes a detached CMS signature with the signature key.
func sign(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	var in struct {
		Content  []byte          `json:"content"`
		Password secret.Password `json:"phone_signature_password"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	cms, err := p.Sign(ctx, in.Content, element.Unlock{Password: in.Password})
	return struct {
		CMS []byte `json:"cms"`
	}{cms}, err
}

func checkIn(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	if err := p.CheckIn(ctx); err != nil {
		return nil, err
	}
	return show(ctx, p, r)
}

func reset(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	if err := p.Reset(ctx); err != nil {
		return nil, err
	}
	return show(ctx, p, r)
}

// read decodes a body that may hold secrets. One that is not of its form is said
// to be so; its value is repeated nowhere.
func read(r *http.Request, v any) error {
	err := httpd.ReadJSON(nil, r, v)
	if errors.Is(err, secret.ErrFormat) {
		return ErrSecretForm.Because(err)
	}
	return err
}
