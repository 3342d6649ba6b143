package ra

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/issuer/status"
)

// maxBody is one step and its JSON around it.
const maxBody = 128 << 10 // bytes

// Handler is the registration authority over HTTP.
type Handler struct {
	RA *RA
	// Source names where a request came from, for the limit on lock codes; nil:
	// the address of the connection. Behind a proxy it must be set.
	Source func(*http.Request) string
}

// Register adds the endpoints to mux.
func (h *Handler) Register(mux httpd.Registrar) {
	for pattern, f := range map[string]http.HandlerFunc{
		"GET /v1/terms": h.terms,

		"POST /v1/enrolments":                   h.apply,
		"POST /v1/enrolments/{id}/keys":         h.keys,
		"POST /v1/enrolments/{id}/registration": h.registration,
		"GET /v1/enrolments/{id}":               h.show,
		"POST /v1/checkins":                     h.checkIn,
		"POST /v1/revocations":                  h.stop,
		"GET /v1/revocations/{receipt}":         h.revocation,
		"POST /v1/suspensions":                  h.suspend,
		"POST /v1/resumptions":                  h.resume,
		"POST /v1/contact-changes":              h.changeContact,
		"POST /v1/contact-changes/withdrawal":   h.keepContact,

		"POST /v1/card-issuances":  h.door(pki.RoleMunicipality, h.issueCard),
		"POST /v1/card-reissues":   h.door(pki.RoleMunicipality, h.reissueCard),
		"POST /v1/register-events": h.door(pki.RoleMunicipality, h.registerEvent),

		"POST /v1/verifier/linkage":               h.door(pki.RoleVerifier, h.linkage),
		"POST /v1/verifier/attributes":            h.door(pki.RoleVerifier, h.attributes),
		"POST /v1/verifier/notices":               h.door(pki.RoleVerifier, h.tell),
		"GET /v1/holders/{pairwise}/certificates": h.door(pki.RoleParty, h.holding),

		"POST /v1/support-numbers": h.supportNumber,
		"POST /v1/support-views":   h.door(pki.RoleHelpdesk, h.supportView),
		"POST /v1/staff/linkage":   h.door(pki.RoleHelpdesk, h.staff),
		"POST /v1/report-views":    h.door(pki.RoleHelpdesk, h.reportView),

		"POST /v1/notice-watches": h.door(pki.RoleParty, h.watchNotices),
		"GET /v1/noticed":         h.door(pki.RoleParty, h.noticed),
		"GET /v1/outbox":          h.door(pki.RoleStreet, h.outbox),
	} {
		mux.Handle(pattern, httpd.LimitBody(f, maxBody))
	}
	for pattern, f := range h.trustDoors() {
		mux.Handle(pattern, httpd.LimitBody(f, maxBody))
	}
}

func (h *Handler) terms(w http.ResponseWriter, _ *http.Request) {
	httpd.WriteJSON(w, http.StatusOK, h.RA.Terms())
}

// answer writes v, or the problem in err.
func answer[T any](w http.ResponseWriter, r *http.Request, v T, err error) {
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	httpd.WriteJSON(w, http.StatusOK, v)
}

// read decodes a body, and answers what is wrong with it.
func read[T any](w http.ResponseWriter, r *http.Request) (body T, ok bool) {
	if err := httpd.ReadJSON(w, r, &body); err != nil {
		httpd.WriteProblem(w, r, err)
		return body, false
	}
	return body, true
}

func (h *Handler) apply(w http.ResponseWriter, r *http.Request) {
	if body, ok := read[StepBody](w, r); ok {
		v, err := h.RA.Apply(r.Context(), body.Step)
		answer(w, r, v, err)
	}
}

func (h *Handler) keys(w http.ResponseWriter, r *http.Request) {
	if body, ok := read[StepBody](w, r); ok {
		v, err := h.RA.Keys(r.Context(), r.PathValue("id"), body.Step)
		answer(w, r, v, err)
	}
}

func (h *Handler) registration(w http.ResponseWriter, r *http.Request) {
	if body, ok := read[StepBody](w, r); ok {
		v, err := h.RA.Register(r.Context(), r.PathValue("id"), body.Step)
		answer(w, r, v, err)
	}
}

func (h *Handler) show(w http.ResponseWriter, r *http.Request) {
	step, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		httpd.WriteProblem(w, r, ErrBadStep)
		return
	}
	v, err := h.RA.Show(r.Context(), r.PathValue("id"), step)
	answer(w, r, v, err)
}

func (h *Handler) checkIn(w http.ResponseWriter, r *http.Request) {
	if body, ok := read[StepBody](w, r); ok {
		v, err := h.RA.CheckIn(r.Context(), body.Step)
		answer(w, r, v, err)
	}
}

func (h *Handler) stop(w http.ResponseWriter, r *http.Request) {
	body, ok := read[Revocation](w, r)
	if !ok {
		return
	}
	var v Stopped
	var err error
	switch {
	case len(body.Word) == 0:
		v, err = h.RA.Stop(r.Context(), body.Step)
	case body.Step != "":
		err = ErrBadRequest.With("field", "word").Because(errors.New("ra: two ways at once"))
	default:
		v, err = h.RA.StopByCard(r.Context(), body.Word)
	}
	answer(w, r, v, err)
}

func (h *Handler) revocation(w http.ResponseWriter, r *http.Request) {
	v, err := h.RA.Revocation(r.Context(), r.PathValue("receipt"))
	answer(w, r, v, err)
}

// finishing is how long a suspension goes on without whoever asked for it.
const finishing = 10 * time.Second

// suspend goes on though the line breaks: a try is counted before it is compared, so
// that whoever is cut off in between would have spent it and stopped nothing.
func (h *Handler) suspend(w http.ResponseWriter, r *http.Request) {
	if body, ok := read[Suspension](w, r); ok {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), finishing)
		defer cancel()
		r = r.WithContext(ctx)
		if body.Facts != nil || body.Support != "" {
			v, err := h.suspendByHelpdesk(r, body)
			answer(w, r, v, err)
			return
		}
		if body.Holder != "" {
			v, err := h.suspendByHolder(r, body)
			answer(w, r, v, err)
			return
		}
		v, err := h.suspendBySecret(r, body)
		answer(w, r, v, err)
	}
}

// suspendBySecret counts tries of lock codes by where they are typed. A party that
// people come to would be one source for all of them: it says whence each came.
func (h *Handler) suspendBySecret(r *http.Request, s Suspension) (Suspended, error) {
	if s.Source == "" {
		return h.RA.Suspend(r.Context(), s, h.source(r))
	}
	caller, err := h.RA.Admit(r.Context(), r.Header.Get("Authorization"), pki.RoleParty, h.RA.at())
	if err != nil {
		return Suspended{}, err
	}
	return h.RA.SuspendThrough(r.Context(), caller.Party, s)
}

func (h *Handler) resume(w http.ResponseWriter, r *http.Request) {
	if body, ok := read[StepBody](w, r); ok {
		v, err := h.RA.Resume(r.Context(), body.Step)
		answer(w, r, v, err)
	}
}

func (h *Handler) suspendByHolder(r *http.Request, s Suspension) (Suspended, error) {
	if s.BirthDate != "" || s.LockCode != "" || len(s.Word) > 0 || s.Trust != "" && s.Report != "" {
		return Suspended{}, ErrBadRequest.With("field", "holder").Because(errors.New("ra: two ways at once"))
	}
	caller, err := h.RA.Admit(r.Context(), r.Header.Get("Authorization"), pki.RoleParty, h.RA.at())
	if err != nil {
		return Suspended{}, err
	}
	g, err := h.grant(r)
	if err != nil {
		return Suspended{}, err
	}
	if s.Trust != "" {
		return h.RA.SuspendCharge(r.Context(), caller.Party, s.Holder, s.Trust, g)
	}
	if s.Repeat {
		return h.RA.RepeatByHolder(r.Context(), caller.Party, s.Holder, s.Report, g)
	}
	return h.RA.SuspendByHolder(r.Context(), caller.Party, s.Holder, s.Report, g)
}

func (h *Handler) source(r *http.Request) string {
	if h.Source != nil {
		return h.Source(r)
	}
	return httpd.Source(r)
}

// door lets in callers that prove the role by a client assertion.
func (h *Handler) door(role pki.Role, f func(http.ResponseWriter, *http.Request, ceremony.Caller)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		caller, err := h.RA.Admit(r.Context(), r.Header.Get("Authorization"), role, h.RA.at())
		if err != nil {
			httpd.WriteProblem(w, r, err)
			return
		}
		f(w, r, caller)
	}
}

// because refuses with p, unless err says itself what it is: what could not be
// checked must not look like a refusal.
func because(p *problem.Problem, err error) error {
	if _, ok := errors.AsType[*problem.Problem](err); ok {
		return err
	}
	return p.Because(err)
}

// partyPath validates a party's chain under our own ops authority, all its
// generations, and its status in our own ledger.
func (r *RA) partyPath(ctx context.Context, chain []*x509.Certificate, at time.Time) error {
	var roots []*x509.Certificate
	for _, i := range r.authority.Issuers() {
		if i.Kind == pki.Ops {
			roots = append(roots, i.Certificate)
		}
	}
	if _, err := certpath.Validate(chain[0], chain[1:], roots, certpath.For(r.config.Arc, pki.Ops), at); err != nil {
		return err
	}
	return r.store.Read(ctx, func(tx Tx) error {
		entry, err := tx.Status(ctx, pki.Ops, pki.SerialOf(chain[0]))
		switch {
		case errors.Is(err, status.ErrUnknown):
			return err
		case err != nil:
			return problem.From(err)
		case entry.Status != status.Good:
			return errors.New("ra: the party's certificate is " + string(entry.Status))
		}
		return nil
	})
}

// hasRole reads the role from the extended key usages under the operator's arc.
func (r *RA) hasRole(leaf *x509.Certificate, role pki.Role) bool {
	want := r.config.Arc.Role(role)
	return slices.ContainsFunc(leaf.UnknownExtKeyUsage, want.Equal)
}

// once remembers a client assertion.
func (r *RA) once(ctx context.Context, party, id string, expires time.Time) error {
	at := r.at()
	fresh := false
	err := r.store.Write(ctx, func(tx Tx) (err error) {
		fresh, err = tx.TakeAssertion(ctx, party, id, expires, at)
		return err
	})
	switch {
	case err != nil:
		return problem.From(err)
	case !fresh:
		return ceremony.ErrReplayed
	}
	return nil
}

func (h *Handler) issueCard(w http.ResponseWriter, r *http.Request, c ceremony.Caller) {
	if body, ok := read[CardIssuance](w, r); ok {
		v, err := h.RA.IssueCard(r.Context(), c.Party, body)
		answer(w, r, v, err)
	}
}

func (h *Handler) reissueCard(w http.ResponseWriter, r *http.Request, c ceremony.Caller) {
	if body, ok := read[CardReissue](w, r); ok {
		v, err := h.RA.ReissueCard(r.Context(), c.Party, body)
		answer(w, r, v, err)
	}
}

func (h *Handler) registerEvent(w http.ResponseWriter, r *http.Request, c ceremony.Caller) {
	if body, ok := read[RegisterEvent](w, r); ok {
		v, err := h.RA.RegisterEvent(r.Context(), c.Party, body)
		answer(w, r, v, err)
	}
}

func (h *Handler) linkage(w http.ResponseWriter, r *http.Request, c ceremony.Caller) {
	if body, ok := read[LinkageQuery](w, r); ok {
		v, err := h.RA.Linkage(r.Context(), c.Party, body.Certificate)
		answer(w, r, v, err)
	}
}

func (h *Handler) attributes(w http.ResponseWriter, r *http.Request, c ceremony.Caller) {
	if body, ok := read[AttributesQuery](w, r); ok {
		v, err := h.RA.Release(r.Context(), c.Party, body.Release)
		answer(w, r, v, err)
	}
}

func (h *Handler) tell(w http.ResponseWriter, r *http.Request, c ceremony.Caller) {
	if body, ok := read[ToldByVerifier](w, r); ok {
		v, err := h.RA.Tell(r.Context(), c.Party, body)
		answer(w, r, v, err)
	}
}

func (h *Handler) holding(w http.ResponseWriter, r *http.Request, c ceremony.Caller) {
	g, err := h.grant(r)
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	v, err := h.RA.Holding(r.Context(), c.Party, r.PathValue("pairwise"), g)
	answer(w, r, v, err)
}

// grant reads the grant beside the client assertion: signed by a registered
// verifier, the one that it names.
func (h *Handler) grant(r *http.Request) (ceremony.Grant, error) {
	m, err := ceremony.ParseGrant(r.Header.Get(ceremony.GrantHeader))
	if err != nil {
		return ceremony.Grant{}, ErrGrantInvalid.Because(err)
	}
	g, err := m.Verify()
	if err != nil {
		return ceremony.Grant{}, ErrGrantInvalid.Because(err)
	}
	leaf := m.Chain()[0]
	if id, ok := ceremony.PartyOf(leaf); !ok || id != g.Issuer || !h.RA.hasRole(leaf, pki.RoleVerifier) {
		return ceremony.Grant{}, ErrGrantInvalid.Because(errors.New("ra: the grant is not a verifier's"))
	}
	if err := h.RA.partyPath(r.Context(), m.Chain(), h.RA.at()); err != nil {
		return ceremony.Grant{}, because(ErrGrantInvalid, err)
	}
	return g, nil
}

func (h *Handler) outbox(w http.ResponseWriter, r *http.Request, _ ceremony.Caller) {
	v, err := h.RA.Outbox(r.Context(), r.URL.Query().Get("after"), 200)
	answer(w, r, v, err)
}
