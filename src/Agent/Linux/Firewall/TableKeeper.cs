using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Plan;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>
/// Makes our table in the kernel what a document says, and knows what it holds. Elements are written by batches of our own, everything else by nft.
/// Each batch names the generation at which the table was last known to be ours alone, so that nothing that others did meanwhile is built upon.
/// </summary>
internal sealed class TableKeeper : IDisposable
{
    private const int Tries = 10;
    private const int Replacements = 3;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    private readonly NetlinkSocket _socket;
    private readonly OwnChanges _own;
    private readonly NftProcess _nft;
    private readonly TableReader _reader;
    private TableWatch? _watch;
    private TableSnapshot? _skeleton;
    private FirewallDocument? _held;
    private FirewallDocument? _left;
    private uint _generation;
    private bool _removed;
    private bool _disturbed;

    private TableKeeper(NetlinkSocket socket)
    {
        _socket = socket;
        _own = new(socket.PortId);
        _nft = new(_own);
        _reader = new(socket);
    }

    /// <summary>Opens it for the calling thread's network namespace.</summary>
    /// <exception cref="NetlinkException">The kernel has no nftables, or refuses it.</exception>
    public static TableKeeper Open() => Over(NetlinkSocket.Open(NetlinkFamily.Netfilter));

    /// <summary>The same over a netfilter socket of that namespace, which becomes its own.</summary>
    public static TableKeeper Over(NetlinkSocket socket) => new(socket);

    /// <summary>What the kernel is believed to hold; null if that is not known.</summary>
    public FirewallDocument? Held => _held;

    /// <summary>Starts to watch for changes by others; in the calling thread's network namespace.</summary>
    /// <param name="tampered">Is told who, on a thread of the watch.</param>
    /// <param name="lost">Is told that events were lost, so that the table is to be read back; likewise.</param>
    /// <param name="receiveBuffer">Bytes of events that the kernel keeps until they are read.</param>
    public TableWatch Watch(Action<string> tampered, Action lost, int receiveBuffer = TableWatch.ReceiveBuffer) => _watch = TableWatch.Start(_own, tampered, lost, receiveBuffer);

    /// <summary>Whatever is believed of the kernel is not to be relied on.</summary>
    public void Doubt() => _held = null;

    /// <summary>Puts a document in force by a plan that leads there from <see cref="Held"/>, or whole if others changed the table.</summary>
    /// <returns>Why nothing happened, or null; and what others had changed, in words.</returns>
    /// <exception cref="NetlinkException">What happened is not known.</exception>
    public async Task<(string? Error, IReadOnlyList<string> Undone)> ApplyAsync(FirewallPlan plan, FirewallDocument document)
    {
        IReadOnlyList<string> undone = [];
        if (ElementBatch.Of(plan) is { } batch)
        {
            using (batch)
            {
                var (outcome, others) = Send(batch);
                if (others.Count == 0)
                {
                    _held = outcome.Ok ? document : null;
                    _left = _held ?? _left;
                    return (outcome.Ok ? null : $"nftables: {outcome.Detail} (errno {outcome.Errno})", []);
                }

                (plan, undone) = (FirewallPlan.Diff(null, document), others);
            }
        }

        var before = _reader.Generation();
        if (!plan.ReplacesTable && before != _generation && !Untouched(_generation, before) && Examine() is { Count: > 0 } strange)
        {
            (plan, undone) = (FirewallPlan.Diff(null, document), strange);
        }

        for (var i = 0; i < Replacements; i++)
        {
            (_held, _removed) = (null, false);
            if (await _nft.RunAsync(plan.Write).ConfigureAwait(false) is { } error)
            {
                return (error, undone);
            }

            _skeleton = _reader.Skeleton();
            _generation = _reader.Generation();
            _own.Ended(_generation);
            _left = document;
            if (_generation == before + 1 || Untouched(before, _generation))
            {
                _held = document;
                _disturbed = false;
                _watch?.Forget();
                return (null, undone);
            }

            // What was read need not be what nft made of the document.
            (plan, before) = (FirewallPlan.Diff(null, document), _generation);
        }

        _disturbed = true;
        return ("somebody else changes nftables whenever the table is written", undone);
    }

    /// <summary>What differs in the kernel from what was last put in force, in words; empty if nothing does.</summary>
    /// <exception cref="NetlinkException">The kernel cannot be read.</exception>
    public IReadOnlyList<string> Examine()
    {
        if (_removed)
        {
            return _reader.Skeleton() is null ? [] : ["a table was added where there was to be none"];
        }

        if (_held is not { } held || _skeleton is null)
        {
            // What an apply that failed has left is not known, but it never takes the table away.
            return _disturbed ? ["something, while the table was written"]
                : _left is not null && _reader.Skeleton() is null ? ["the table was deleted"]
                : [];
        }

        var generation = _reader.Generation();
        var differences = TableDifference.Between(held, _skeleton, _reader, _nft.List);
        if (differences.Count == 0)
        {
            // What changed since then is seen in the next generation.
            _generation = generation;
            _watch?.Forget();
        }

        return differences;
    }

    /// <summary>Whether our table is there, and is as it was left when something was last put in force; of a table that was there before, only whether it is.</summary>
    /// <exception cref="NetlinkException">The kernel cannot be read.</exception>
    public bool Stands() =>
        _skeleton is { } skeleton && _left is { } left ? TableDifference.Between(left, skeleton, _reader).Count == 0 : _reader.Skeleton() is not null;

    /// <summary>Whether nft and the kernel would take rules with a condition; none is left behind.</summary>
    public Task<bool> KnowsAsync(Match match) => KnowsAsync(new FirewallRule.When([match], new Verdict.Accept()));

    /// <summary>The same for a rule.</summary>
    public async Task<bool> KnowsAsync(FirewallRule rule) =>
        await _nft.RunAsync(output => output.Write(NftScript.Probe(rule)), check: true).ConfigureAwait(false) is null;

    /// <summary>The same for helpers.</summary>
    public async Task<bool> KnowsAsync(IEnumerable<HelperObject> helpers) =>
        await _nft.RunAsync(output => output.Write(NftScript.Probe(helpers)), check: true).ConfigureAwait(false) is null;

    /// <summary>Removes the table.</summary>
    public async Task<string?> RemoveAsync()
    {
        var error = await _nft.RunAsync(NftScript.Remove()).ConfigureAwait(false);
        if (error is null)
        {
            (_held, _left, _skeleton, _removed) = (null, null, null, true);
            _own.Ended(_reader.Generation());
        }

        return error;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _nft.Dispose();
        _socket.Dispose();
    }

    private (NetlinkOutcome Outcome, IReadOnlyList<string> Others) Send(ElementBatch batch)
    {
        for (var i = 0; ; i++)
        {
            var outcome = batch.Send(_socket, _generation);
            if (outcome.Ok)
            {
                // The kernel's next, which is never 0.
                _generation = _generation == uint.MaxValue ? 1 : _generation + 1;
                return (outcome, []);
            }

            if (outcome.Errno != Errno.Restart || i == Tries)
            {
                return (outcome, []);
            }

            var since = _generation;
            _generation = _reader.Generation();
            if (!Untouched(since, _generation) && Examine() is { Count: > 0 } others)
            {
                return (outcome, others);
            }
        }
    }

    private bool Untouched(uint since, uint until) => _watch?.Untouched(since, until, _patience) ?? false;
}
