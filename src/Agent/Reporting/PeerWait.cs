using Bulkhead.Agent.Linux;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Reporting;

/// <summary>
/// Asks the controller, with each report, whether this host's peers know its addresses, until they do; and again when the host gets others. What it waits for is read
/// from any thread.
/// </summary>
internal sealed class PeerWait
{
    private static readonly TimeSpan _first = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _last = TimeSpan.FromSeconds(5);

    private HostAddresses? _asked;
    private TimeSpan _pause = _first;
    private volatile string? _for = "the controller has not said yet whether peers know this host";

    /// <summary>What is waited for, in words; null once every peer knows.</summary>
    public string? For => _for;

    /// <summary>Whether the next report is to ask.</summary>
    /// <param name="addresses">What the report tells.</param>
    public bool Asks(HostAddresses addresses)
    {
        if (_asked is not null && !_asked.All.SequenceEqual(addresses.All))
        {
            (_for, _pause) = ("the host's addresses are others now, and the controller has not said yet whether peers know them", _first);
        }

        _asked = addresses;
        return _for is not null;
    }

    /// <summary>Takes the answer; whether what is waited for is another now.</summary>
    public bool Take(PeerKnowledge? answer)
    {
        var before = _for;
        _for = answer switch
        {
            null => "the controller does not tell whether peers know this host; it is older than this agent",
            { Counted: false } => "the controller does not count this host's addresses; it may have to be admitted there",
            { Behind: > 0 } => $"{answer.Behind} peer{(answer.Behind == 1 ? " does" : "s do")} not enforce a policy yet that knows this host: {string.Join(", ", answer.Names)}{(answer.Behind > answer.Names.Count ? ", …" : "")}",
            _ => null,
        };
        return _for != before;
    }

    /// <summary>How long to wait until the next report, at most.</summary>
    public TimeSpan Shorten(TimeSpan wait)
    {
        if (_for is null || wait <= _pause)
        {
            return wait;
        }

        var pause = _pause;
        _pause = pause * 2 < _last ? pause * 2 : _last;
        return pause;
    }
}
