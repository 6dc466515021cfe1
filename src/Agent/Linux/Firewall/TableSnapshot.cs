using Bulkhead.Agent.Linux.Netlink;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>
/// What a table is made of, as the kernel tells it: a fingerprint for each of its rules, chains, sets and objects, and one of the table's own flags. Counters
/// and the elements of named sets are left out.
/// </summary>
/// <param name="Flags">Of the table; one makes it dormant.</param>
/// <param name="Chains">Hook, priority and policy of each, and its rules in order.</param>
/// <param name="Sets">Type and flags of each named one.</param>
/// <param name="Objects">Type of each, and of a helper what it is; by type and name.</param>
internal sealed record TableSnapshot(
    uint Flags, IReadOnlyDictionary<string, ChainSnapshot> Chains, IReadOnlyDictionary<string, ulong> Sets, IReadOnlyDictionary<string, ulong> Objects)
{
    /// <summary>Collects a snapshot from the messages of dumps.</summary>
    public sealed class Builder
    {
        private readonly Dictionary<string, ulong> _sets = new(StringComparer.Ordinal);
        private readonly Dictionary<string, (ulong Kind, List<ulong> Rules, List<ulong> Handles)> _chains = new(StringComparer.Ordinal);
        private readonly Dictionary<string, ulong> _objects = new(StringComparer.Ordinal);
        private uint _flags;

        public void Table(NetlinkMessage message)
        {
            var attributes = message.Attributes(Nftables.GenericHeader);
            while (attributes.Next())
            {
                _flags = attributes.Type == Nftables.TableFlags ? attributes.U32Be() : _flags;
            }
        }

        public void Chain(NetlinkMessage message)
        {
            var name = "";
            var kind = Fingerprint.Empty;
            var attributes = message.Attributes(Nftables.GenericHeader);
            while (attributes.Next())
            {
                switch (attributes.Type)
                {
                    case Nftables.ChainName:
                        name = attributes.Text();
                        break;
                    case Nftables.ChainHook or Nftables.ChainPolicy:
                        kind = kind.With(attributes.Type).With(attributes.Value);
                        break;
                }
            }

            At(name).Kind = kind.Value;
        }

        public void Set(NetlinkMessage message)
        {
            var name = "";
            var flags = 0u;
            var kind = Fingerprint.Empty;
            var attributes = message.Attributes(Nftables.GenericHeader);
            while (attributes.Next())
            {
                switch (attributes.Type)
                {
                    case Nftables.SetName:
                        name = attributes.Text();
                        break;
                    case Nftables.SetFlags:
                        flags = attributes.U32Be();
                        break;
                    case Nftables.SetKeyType:
                        kind = kind.With(attributes.Value);
                        break;
                }
            }

            // Anonymous ones are part of their rules and cannot be changed.
            if ((flags & Nftables.SetAnonymous) == 0)
            {
                _sets[name] = kind.With((ushort)flags).Value;
            }
        }

        public void Object(NetlinkMessage message)
        {
            var (name, type, data) = ("", 0u, Fingerprint.Empty);
            var attributes = message.Attributes(Nftables.GenericHeader);
            while (attributes.Next())
            {
                switch (attributes.Type)
                {
                    case Nftables.ObjectName:
                        name = attributes.Text();
                        break;
                    case Nftables.ObjectType:
                        type = attributes.U32Be();
                        break;
                    case Nftables.ObjectData:
                        data = data.With(attributes.Value);
                        break;
                }
            }

            // Counters and quotas, which have no business here, count while they are looked at.
            _objects[type == Nftables.HelperObject ? $"helper {name}" : $"of type {type} {name}"] = type == Nftables.HelperObject ? data.Value : 0;
        }

        public void Rule(NetlinkMessage message)
        {
            var chain = "";
            var handle = 0UL;
            var rule = Fingerprint.Empty;
            var attributes = message.Attributes(Nftables.GenericHeader);
            while (attributes.Next())
            {
                switch (attributes.Type)
                {
                    case Nftables.RuleChain:
                        chain = attributes.Text();
                        break;
                    case Nftables.RuleHandle:
                        handle = attributes.U64Be();
                        break;
                    case Nftables.RuleExpressions:
                        rule = Expressions(rule, attributes.Nested());
                        break;
                }
            }

            ref var of = ref At(chain);
            of.Rules.Add(rule.Value);
            of.Handles.Add(handle);
        }

        public TableSnapshot Build() => new(
            _flags,
            _chains.ToDictionary(c => c.Key, c => new ChainSnapshot(c.Value.Kind, c.Value.Rules, c.Value.Handles), StringComparer.Ordinal),
            _sets,
            _objects);

        private ref (ulong Kind, List<ulong> Rules, List<ulong> Handles) At(string chain)
        {
            ref var slot = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_chains, chain, out var known);
            if (!known)
            {
                slot = (0, [], []);
            }

            return ref slot;
        }

        private static Fingerprint Expressions(Fingerprint rule, AttributeReader list)
        {
            while (list.Next())
            {
                var name = TableReader.Find(list.Nested(), Nftables.ExpressionName).TrimEnd((byte)0);
                rule = rule.With(name);
                if (!name.SequenceEqual("counter"u8))
                {
                    rule = rule.With(TableReader.Find(list.Nested(), Nftables.ExpressionData));
                }
            }

            return rule;
        }
    }
}

/// <summary>A chain as the kernel tells it.</summary>
/// <param name="Kind">Of a base chain, a fingerprint of hook, priority and policy.</param>
/// <param name="Rules">Fingerprints, in order.</param>
/// <param name="Handles">The kernel's numbers of the same rules.</param>
internal sealed record ChainSnapshot(ulong Kind, IReadOnlyList<ulong> Rules, IReadOnlyList<ulong> Handles)
{
    /// <summary>
    /// Whether nobody touched it. A rule that looks the same under another handle is another rule: the map that it looks into has a name that the kernel gives
    /// again, whatever it holds.
    /// </summary>
    public bool SameAs(ChainSnapshot other) => Kind == other.Kind && Rules.SequenceEqual(other.Rules) && Handles.SequenceEqual(other.Handles);
}

/// <summary>FNV-1a over 64 bits (Fowler, Noll, Vo); each part stands behind its length.</summary>
internal readonly record struct Fingerprint(ulong Value)
{
    private const ulong Prime = 0x100000001b3;

    public static Fingerprint Empty { get; } = new(0xcbf29ce484222325);

    public Fingerprint With(ushort value) => new((Value ^ value) * Prime);

    public Fingerprint With(ReadOnlySpan<byte> bytes)
    {
        var hash = (Value ^ (ulong)bytes.Length) * Prime;
        foreach (var one in bytes)
        {
            hash = (hash ^ one) * Prime;
        }

        return new(hash);
    }
}
