package auth

import (
	"slices"

	ocserr "github.com/ocsgo/ocs/errors"
	"github.com/ocsgo/ocs/sip"
	"github.com/ocsgo/ocs/sip/auth/digest"
)

// digestClient is the client's side of Digest: nothing is signed, every request carries its own credentials.
type digestClient struct {
	client    digest.Client
	challenge digest.Challenge
	sent      sentDigests
	accepted  bool // with credentials made from this challenge
}

// digestChallenge takes a challenge into use.
func (x *exchange) digestChallenge(res *sip.Response, o offer) error {
	c, err := digest.ParseChallenge(o.params.Get)
	if err != nil {
		return fail(ocserr.CauseBadChallenge, res, err)
	}
	if x.digest == nil {
		x.digest = &digestClient{client: digest.Client{
			User: x.cfg.Password.User, Password: string(x.cfg.Password.Secret), Rand: x.cfg.Rand,
		}}
	}
	x.digest.challenge, x.digest.accepted = c, false
	return nil
}

// pending reports whether a challenge answers credentials that are still in use: the request had some, and of
// the present nonce.
func (d *digestClient) pending(res *sip.Response) bool {
	used, ok := d.sent.find(res)
	return ok && used.Nonce == d.challenge.Nonce
}

// renews reports whether a challenge to such credentials only wants a new nonce: the server says stale, or it
// had accepted the same nonce before. Otherwise it is the verdict that the password is wrong.
func (d *digestClient) renews(all []offer) bool {
	return d.accepted || slices.ContainsFunc(all, func(o offer) bool {
		c, err := digest.ParseChallenge(o.params.Get)
		return o.scheme == Digest && err == nil && c.Stale
	})
}

func (d *digestClient) authorize(req *sip.Request) (string, error) {
	c, err := d.client.Authorize(string(req.Method), req.Recipient.String(), d.challenge)
	if err != nil {
		return "", err
	}
	d.sent.add(req, c)
	return c.String(), nil
}

// digestVerify looks for the verdict on credentials that were sent, and checks rspauth if the server gives one
// (RFC 7616 section 3.5).
func (x *exchange) digestVerify(m sip.Message, infos []sip.Credentials) (proved bool, err error) {
	d := x.digest
	res, ok := m.(*sip.Response)
	if !ok {
		return false, nil
	}
	sent, ok := d.sent.find(res)
	if !ok {
		return false, nil
	}
	for _, info := range infos {
		if info.Scheme != "" && info.Scheme != Digest {
			continue
		}
		if proved, err = d.client.CheckInfo(sent, info.Params.Get); err != nil {
			return false, err
		}
		if next, ok := info.Params.Get("nextnonce"); ok && next != "" {
			d.challenge.Nonce = next
		}
	}
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		d.accepted = d.accepted || sent.Nonce == d.challenge.Nonce
		x.accept()
	}
	return proved, nil
}

// sentDigests remembers the credentials of the last few requests on a connection, on either side.
type sentDigests struct {
	keys   []string
	values []digest.Credentials
}

const maxSentDigests = 16

func (s *sentDigests) add(req *sip.Request, c digest.Credentials) {
	if len(s.keys) == maxSentDigests {
		s.keys, s.values = slices.Delete(s.keys, 0, 1), slices.Delete(s.values, 0, 1)
	}
	s.keys, s.values = append(s.keys, transactionKey(req)), append(s.values, c)
}

// find returns the credentials of the request that a response answers.
func (s *sentDigests) find(res *sip.Response) (digest.Credentials, bool) {
	if i := slices.Index(s.keys, transactionKey(res)); i >= 0 {
		return s.values[i], true
	}
	return digest.Credentials{}, false
}
