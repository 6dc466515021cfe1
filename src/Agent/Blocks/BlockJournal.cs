using Bulkhead.Agent.Telemetry;
using Bulkhead.Contracts.Host;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Blocks;

/// <summary>The last blocks of each user, bounded: of so many users, so many kinds each, newest first. Safe for any thread.</summary>
/// <param name="time">The clock.</param>
internal sealed class BlockJournal(TimeProvider time)
{
    /// <summary>Users remembered; the one whose last block is oldest gives way.</summary>
    public const int MostUsers = 256;

    /// <summary>Kinds of blocks remembered for each.</summary>
    public const int MostBlocks = 50;

    private readonly Lock _gate = new();
    private readonly Dictionary<uint, List<Block>> _byUser = [];
    private readonly HashSet<uint> _changed = [];

    /// <summary>Takes down a packet of a user's; of nobody's, nothing.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="flow">Its flow, if it is known.</param>
    public void Add(BlockedPacket packet, FlowKey? flow)
    {
        var inbound = packet.Why.Direction == Direction.Inbound;
        if ((inbound ? flow?.Process?.Uid : packet.Uid ?? flow?.Process?.Uid) is not { } uid)
        {
            return;
        }

        var block = new Block(
            inbound ? "in" : "out", IpProtocol.NameOf(packet.Protocol), (inbound ? packet.Source : packet.Destination).ToString(), packet.Port, NameOf(packet.Why.Reason), packet.Why.Rule?.Value);
        lock (_gate)
        {
            if (!_byUser.TryGetValue(uid, out var blocks))
            {
                MakeRoom();
                _byUser.Add(uid, blocks = []);
            }

            var known = blocks.FindIndex(other => other.Kind == block);
            var packets = known < 0 ? 0 : blocks[known].Packets;
            if (known >= 0 || blocks.Count == MostBlocks)
            {
                blocks.RemoveAt(known >= 0 ? known : MostBlocks - 1);
            }

            blocks.Insert(0, block with { Last = time.GetUtcNow(), Packets = packets + 1 });
            _changed.Add(uid);
        }
    }

    /// <summary>The users whose blocks changed since the last call; without blocks for one who gave way.</summary>
    public IReadOnlyList<(uint Uid, IReadOnlyList<Block> Blocks)> TakeChanged()
    {
        lock (_gate)
        {
            (uint, IReadOnlyList<Block>)[] taken = [.. _changed.Order().Select(uid => (uid, (IReadOnlyList<Block>)[.. _byUser.GetValueOrDefault(uid) ?? []]))];
            _changed.Clear();
            return taken;
        }
    }

    private void MakeRoom()
    {
        if (_byUser.Count == MostUsers)
        {
            var oldest = _byUser.MinBy(pair => pair.Value[0].Last).Key;
            _byUser.Remove(oldest);
            _changed.Add(oldest);
        }
    }

    private static string NameOf(BlockReason reason) => reason switch
    {
        BlockReason.Quarantine => "quarantine",
        BlockReason.Invalid => "invalid",
        BlockReason.OverrideDeny => "override-deny",
        BlockReason.Deny => "deny",
        _ => "default",
    };
}
