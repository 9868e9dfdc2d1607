package status

// Availability returns the number that a client publishes in its user state for a status that may
// be set (MS-PRES, "availability"; the published values of sipe-compatible clients), and false for
// any other.
func (s Status) Availability() (int, bool) {
	switch s {
	case Online:
		return 3500, true
	case Busy:
		return 6500, true
	case DoNotDisturb:
		return 9500, true
	case BeRightBack:
		return 12500, true
	case Away:
		return 15500, true
	case Invisible:
		return 18500, true
	}
	return 0, false
}

// FromAvailability returns the status that an aggregated availability number and its activity token
// (may be "") stand for. The ranges are those of MS-PRES; below 3000 and from 18000 upwards a user is
// shown as offline, unless the token says invisible.
func FromAvailability(n int, activity string) Status {
	switch {
	case n < 3000:
		return Offline
	case n < 4500:
		return Online
	case n < 6000:
		return Idle
	case n < 9000: // 7500 and more: busy, and idle as well
		return fromToken(activity, Busy, OnThePhone, InAConference, InAMeeting)
	case n < 12000:
		return fromToken(activity, DoNotDisturb, AllowUrgentInterruptions)
	case n < 15000:
		return BeRightBack
	case n < 18000:
		return fromToken(activity, Away, OutToLunch, OutOfOffice)
	}
	return fromToken(activity, Offline, Invisible)
}

// fromToken returns the one of finer that the token names, else s.
func fromToken(token string, s Status, finer ...Status) Status {
	for _, f := range finer {
		if token == f.activity() {
			return f
		}
	}
	return s
}

// activity returns the activity token of a status that a range of numbers alone does not tell.
func (s Status) activity() string {
	switch s {
	case OnThePhone:
		return "on-the-phone"
	case InAConference:
		return "in-a-conference"
	case InAMeeting:
		return "in-a-meeting"
	case AllowUrgentInterruptions:
		return "urgent-interruptions-only"
	case OutToLunch:
		return "out-to-lunch"
	case OutOfOffice:
		return "out-of-office"
	case Invisible:
		return "invisible"
	}
	return ""
}
