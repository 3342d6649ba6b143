package pki

import (
	"encoding/asn1"
	"fmt"
	"strconv"
	"strings"
)

// Arc is the object identifier under which an operator names its own policies,
// attributes and roles.
type Arc asn1.ObjectIdentifier

// SandboxArc is 2.999, the arc that ITU-T X.660 keeps for examples.
func SandboxArc() Arc { return Arc{2, 999} }

// ParseArc reads dotted decimal. It refuses what is not a whole arc of an
// operator: fewer than two numbers, or numbers that are none.
func ParseArc(text string) (Arc, error) {
	var a Arc
	for part := range strings.SplitSeq(text, ".") {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("pki: oid_arc %q is not dotted decimal", text)
		}
		a = append(a, int(n))
	}
	if len(a) < 2 || a[0] > 2 || a[0] < 2 && a[1] > 39 {
		return nil, fmt.Errorf("pki: oid_arc %q is not an object identifier", text)
	}
	return a, nil
}

// String is dotted decimal.
func (a Arc) String() string { return asn1.ObjectIdentifier(a).String() }

func (a Arc) under(numbers ...int) asn1.ObjectIdentifier {
	return append(append(asn1.ObjectIdentifier{}, a...), numbers...)
}

// Policy is the certificate policy of a kind: .1.1 card-sign, .1.2 card-auth,
// .1.3 phone-sign, .1.4 phone-auth, .1.5 ops.
func (a Arc) Policy(k Kind) asn1.ObjectIdentifier {
	for i, kind := range Kinds() {
		if kind == k {
			return a.under(1, i+1)
		}
	}
	return nil
}

// TimeStampPolicy is the policy under which the operator's time-stamp authority works:
// .1.6.
func (a Arc) TimeStampPolicy() asn1.ObjectIdentifier { return a.under(1, 6) }

// Attribute is the otherName type of a personal attribute: .5.1 name, .5.2
// substituted characters of the name, .5.3 sex, .5.4 birth date, .5.5 address,
// .5.6 substituted characters of the address.
func (a Arc) Attribute(n int) asn1.ObjectIdentifier { return a.under(5, n) }

// Role is what the holder of an ops certificate may act as.
type Role string

// The roles, .6.1 to .6.7 in this order; a time-stamp authority's is another body's.
const (
	RoleVerifier     Role = "verifier"
	RoleParty        Role = "party"
	RoleTerminal     Role = "terminal"
	RoleFeed         Role = "feed"
	RoleMunicipality Role = "municipality"
	RoleStreet       Role = "street"   // the sandbox's start page; refused in production
	RoleHelpdesk     Role = "helpdesk" // may suspend, and see state codes against a support number
	RoleTSA          Role = "tsa"      // time-stamp authority
)

// Roles lists all roles in the order of their identifiers.
func Roles() []Role {
	return []Role{RoleVerifier, RoleParty, RoleTerminal, RoleFeed, RoleMunicipality, RoleStreet, RoleHelpdesk, RoleTSA}
}

// oidTimeStamping is id-kp-timeStamping.
var oidTimeStamping = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}

// Role is the extended key usage that stands for a role. RFC 3161, section 2.3: a
// time-stamp authority's certificate has id-kp-timeStamping and no other.
func (a Arc) Role(r Role) asn1.ObjectIdentifier {
	if r == RoleTSA {
		return append(asn1.ObjectIdentifier{}, oidTimeStamping...)
	}
	for i, role := range Roles() {
		if role == r {
			return a.under(6, i+1)
		}
	}
	return nil
}

// ElementExtension is our own attestation extension: element id and reset counter.
func (a Arc) ElementExtension() asn1.ObjectIdentifier { return a.under(7) }
