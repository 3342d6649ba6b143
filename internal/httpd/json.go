package httpd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"tegata/internal/problem"
)

var errMediaType = problem.New(problem.YourTurn, http.StatusUnsupportedMediaType, "not-json",
	problem.Text{Title: "この窓口は JSON だけを受け付けます。", Detail: "Content-Type: application/json で送ってください。"},
	problem.Text{Title: "Only JSON is accepted here.", Detail: "Send it with Content-Type: application/json."})

var errTooLarge = problem.New(problem.YourTurn, http.StatusRequestEntityTooLarge, "too-large",
	problem.Text{Title: "送られたデータが大きすぎます。", Detail: "小さくして送り直してください。"},
	problem.Text{Title: "What was sent is too large.", Detail: "Send less."})

var errMalformed = problem.New(problem.YourTurn, http.StatusBadRequest, "malformed",
	problem.Text{Title: "送られたデータを読み取れません。", Detail: "書式を確かめてください。"},
	problem.Text{Title: "What was sent cannot be read.", Detail: "Check its form."})

// maxDepth is how deep objects and arrays may be nested in what we read.
const maxDepth = 32

// ReadJSON decodes the request's body, exactly one JSON value, into v. Refused,
// as problems: another media type (a form can be sent by any site's page),
// names that v does not have, a name given twice (two readers could see two
// values), text that is not UTF-8, more than the guard's limit.
// The refusal never repeats a value: it may be a secret.
func ReadJSON(w http.ResponseWriter, r *http.Request, v any) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return errMediaType
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return BodyProblem(err)
	}
	return DecodeJSON(data, v)
}

// BodyProblem says as a problem why a request's body could not be read.
func BodyProblem(err error) error {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return errTooLarge
	}
	return errMalformed.Because(err)
}

// DecodeJSON is the strictness of ReadJSON for a body that was read already.
func DecodeJSON(data []byte, v any) error {
	if !utf8.Valid(data) { // RFC 8259, section 8.1: JSON between systems MUST be UTF-8
		return errMalformed.With("where", "it is not UTF-8")
	}
	if where := duplicateName(data); where != "" {
		return errMalformed.With("where", where)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return errMalformed.With("where", jsonErrorPlace(err)).Because(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errMalformed.With("where", "something follows the value")
	}
	return nil
}

// jsonErrorPlace says what is wrong without repeating what was sent.
func jsonErrorPlace(err error) string {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Sprintf("field %q has another type", e.Field)
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("not JSON at byte %d", e.Offset)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok && len(name) <= 66 {
		return "there is no field " + name
	}
	return "the value does not fit"
}

// duplicateName returns what is wrong when an object names a member twice or is
// nested too deep. Names are compared as encoding/json matches them to fields:
// without regard to case.
func duplicateName(data []byte) string {
	dec := json.NewDecoder(bytes.NewReader(data))
	type level struct {
		names map[string]bool // nil in an array
		value bool            // the next string is a value, not a name
	}
	var stack []level
	for {
		tok, err := dec.Token()
		if err != nil {
			return "" // its end, or not JSON: the decoder proper says so
		}
		top := len(stack) - 1
		if d, ok := tok.(json.Delim); ok {
			switch d {
			case '{', '[':
				if top >= 0 {
					stack[top].value = false
				}
				if len(stack) == maxDepth {
					return "it is nested too deep"
				}
				l := level{}
				if d == '{' {
					l.names = map[string]bool{}
				}
				stack = append(stack, l)
			default:
				stack = stack[:top]
			}
			continue
		}
		if top < 0 || stack[top].names == nil {
			continue
		}
		if stack[top].value {
			stack[top].value = false
			continue
		}
		name := strings.ToLower(tok.(string))
		if stack[top].names[name] {
			return "a name is given twice"
		}
		stack[top].names[name], stack[top].value = true, true
	}
}

// WriteJSON answers with v. A value that cannot be encoded is our fault and
// becomes such an answer, never half a body.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	write(w, status, "application/json", v)
}

func write(w http.ResponseWriter, status int, contentType string, v any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		status, contentType = http.StatusInternalServerError, problem.ContentType
		body.Reset()
		json.NewEncoder(&body).Encode(problem.Internal) // texts and a number: always encodes
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	w.Write(body.Bytes()) // the caller is gone when this fails; there is nobody to tell
}

// WriteProblem answers with err as problem details (RFC 9457): the problem in
// its chain, or our fault. What was our fault is logged with its cause.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	found := problem.From(err)
	p := *found
	p.RequestID = RequestID(r.Context())
	if p.Status < 400 || p.Status > 599 {
		p.Status = http.StatusInternalServerError
	}
	if log := callOf(r.Context()).log; log != nil && p.Kind == problem.OurFault {
		log.LogAttrs(r.Context(), slog.LevelError, "our fault", slog.String("request_id", p.RequestID),
			slog.String("route", r.Pattern), slog.String("code", p.Code), slog.Any("error", err))
	}
	write(w, p.Status, problem.ContentType, &p)
}
