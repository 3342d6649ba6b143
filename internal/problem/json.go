package problem

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
)

// ContentType is the media type of problem details (RFC 9457, section 3).
const ContentType = "application/problem+json"

// typePrefix and the code make the problem type, a URI that identifies and is
// not meant to be fetched (RFC 9457, section 3.1.1).
const typePrefix = "urn:tegata:error:"

func reserved(name string) bool {
	switch name {
	case "type", "title", "title_en", "detail", "detail_en", "status", "instance", "kind", "code", "request_id":
		return true
	}
	return false
}

// MarshalJSON writes problem details: the members of RFC 9457, our own beside
// them, and the extensions. title and detail are Japanese.
func (p *Problem) MarshalJSON() ([]byte, error) {
	m := maps.Clone(p.Extra)
	if m == nil {
		m = map[string]any{}
	}
	m["type"] = typePrefix + p.Code
	m["status"] = p.Status
	m["kind"] = p.Kind
	m["code"] = p.Code
	for name, text := range map[string]string{
		"title": p.JA.Title, "title_en": p.EN.Title, "detail": p.JA.Detail, "detail_en": p.EN.Detail, "request_id": p.RequestID,
	} {
		if text != "" {
			m[name] = text
		}
	}
	return json.Marshal(m)
}

// UnmarshalJSON reads problem details of any server. A type that is not ours
// becomes the code as it stands; a missing kind follows from the status.
func (p *Problem) UnmarshalJSON(data []byte) error {
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	if m == nil {
		return errors.New("problem: not an object")
	}
	text := func(name string) string { s, _ := m[name].(string); return s }
	status, _ := m["status"].(float64)
	*p = Problem{
		Code: text("code"), Kind: Kind(text("kind")), Status: int(status), RequestID: text("request_id"),
		JA: Text{text("title"), text("detail")}, EN: Text{text("title_en"), text("detail_en")},
	}
	if p.Code == "" {
		p.Code = strings.TrimPrefix(text("type"), typePrefix)
	}
	switch p.Kind {
	case Refused, CouldNotCheck, OurFault, YourTurn:
	default:
		p.Kind = kindOf(p.Status)
	}
	for name, v := range m {
		if reserved(name) {
			continue
		}
		if p.Extra == nil {
			p.Extra = map[string]any{}
		}
		p.Extra[name] = v
	}
	return nil
}

// kindOf is the kind of an answer that does not name one.
func kindOf(status int) Kind {
	switch {
	case status == 429, status == 502, status == 503, status == 504:
		return CouldNotCheck
	case status >= 500:
		return OurFault
	}
	return Refused
}
