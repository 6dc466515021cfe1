using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Policy.Compile;

/// <summary>
/// What all hosts enforce, in 16 bytes: the sum of a SHA-256 over each host's id and serialised policy, and over each peer set that a host
/// names. Equal policies have equal digests, whatever path led to them; generations do not count.
/// </summary>
/// <param name="Value">The sum, modulo 2^128, of the first halves of the hashes.</param>
/// <param name="Hosts">The number of hosts.</param>
/// <param name="Entries">The number of entries of all hosts together.</param>
/// <param name="PeerSets">The number of different peer sets.</param>
public readonly record struct PolicyDigest(UInt128 Value, int Hosts, long Entries, int PeerSets)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString("x32", System.Globalization.CultureInfo.InvariantCulture);

    internal static PolicyDigest Of(PolicyState state)
    {
        var digester = new Digester(state);
        Parallel.ForEach(Partitioner.Create(0, Math.Max(1, state.Lattice.LabelSetCount)), () => new Partial(), digester.Add, digester.Add);
        return digester.Total();
    }

    private static UInt128 First(ReadOnlySpan<byte> hash) => BinaryPrimitives.ReadUInt128LittleEndian(hash);

    private sealed record Hashed(byte[] Hash, int Entries);

    private sealed class Partial
    {
        public ArrayBufferWriter<byte> Buffer { get; } = new(1 << 16);

        public HashSet<(Peer Peer, AddressSpace Space)> Peers { get; } = [];

        public UInt128 Sum { get; set; }

        public int Hosts { get; set; }

        public long Entries { get; set; }
    }

    private sealed class Digester(PolicyState state)
    {
        private readonly Lock _adding = new();
        private readonly ConcurrentDictionary<(SharedEntries Entries, KinKey Key), Hashed> _shared = new();
        private readonly bool[] _named = new bool[state.Lattice.GroupCount];
        private readonly HashSet<(Peer Peer, AddressSpace Space)> _others = [];
        private readonly ConcurrentDictionary<string, ulong> _translated = new(StringComparer.Ordinal);
        private UInt128 _sum;
        private int _hosts;
        private long _entries;

        public Partial Add(Tuple<int, int> labelSets, ParallelLoopState loop, Partial partial)
        {
            for (var labelSet = labelSets.Item1; labelSet < labelSets.Item2; labelSet++)
            {
                foreach (var kin in state.Inhabited(labelSet)?.Kins ?? [])
                {
                    if (kin.Key.Managed)
                    {
                        Add(labelSet, kin, partial);
                    }
                }
            }

            return partial;
        }

        public void Add(Partial partial)
        {
            lock (_adding)
            {
                _sum += partial.Sum;
                _hosts += partial.Hosts;
                _entries += partial.Entries;
            }
        }

        public PolicyDigest Total()
        {
            var sets = 0;
            for (var group = 0; group < _named.Length; group++)
            {
                if (_named[group])
                {
                    AddSet(state.Lattice.Group(group).NameOf(PeerVariant.All, AddressSpace.Default), state.Groups[group]!.SumOf(PeerVariant.All, AddressSpace.Default).Digest);
                    sets++;
                }
            }

            foreach (var (peer, space) in _others)
            {
                AddSet(peer.NameIn(space), peer.Group is { } group ? state.Groups[group.Id]!.SumOf(peer.Variant, space).Digest : state.Networks[peer.Network!].Set.Digest);
                sets++;
            }

            foreach (var (name, digest) in _translated)
            {
                AddSet(name, digest);
                sets++;
            }

            return new(_sum, _hosts, _entries, sets);
        }

        private void AddSet(string name, ulong digest) => _sum += First(SHA256.HashData(Encoding.UTF8.GetBytes($"{name}{digest:x16}")));

        private void Add(int labelSet, Kin kin, Partial partial)
        {
            Span<byte> hostAndHash = stackalloc byte[16 + SHA256.HashSizeInBytes];
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            foreach (var workload in kin.Members)
            {
                var policy = kin.Key.Quarantined ? Hash(labelSet, kin.Key, workload, partial) : Shared(labelSet, kin, partial);
                workload.Id.Value.TryWriteBytes(hostAndHash);
                policy.Hash.CopyTo(hostAndHash[16..]);
                SHA256.HashData(hostAndHash, hash);
                partial.Sum += First(hash);
                partial.Entries += policy.Entries;
                partial.Hosts++;
            }
        }

        /// <summary>Hosts that hold the same entries under the same header have equal policies, which are serialised once.</summary>
        private Hashed Shared(int labelSet, Kin kin, Partial partial)
        {
            var key = (state.EntriesOf(labelSet), kin.Key with { Pin = kin.Key.ModesWith(state.Populations[labelSet]!.Assigned) });
            return _shared.TryGetValue(key, out var known) ? known : _shared.GetOrAdd(key, Hash(labelSet, kin.Key, kin.Members[0], partial));
        }

        private Hashed Hash(int labelSet, KinKey key, Workload workload, Partial partial)
        {
            var entries = Serialise(labelSet, key, workload, partial);
            return new(SHA256.HashData(partial.Buffer.WrittenSpan), entries);
        }

        /// <summary>Fills the buffer; the number of entries.</summary>
        private int Serialise(int labelSet, KinKey key, Workload workload, Partial partial)
        {
            var entries = state.EntriesOf(labelSet).All;
            var needs = Feature.None;
            var held = 0;
            List<HostEntry> translated = [];
            foreach (var said in entries)
            {
                if (said.IsHeldWith(key.Features))
                {
                    var entry = said.For(key.Features);
                    needs |= entry.Uses;
                    held++;
                    Name(entry.Peer, key.Space, partial);
                    foreach (var (more, set) in state.Workloads.Translations.IsEmpty ? [] : TranslatedEntries.Of(state, entry, key.Space))
                    {
                        translated.Add(more);
                        _translated[set.Name] = set.Digest;
                    }
                }
            }

            partial.Buffer.ResetWrittenCount();
            HostPolicyBytes.WriteHeader(partial.Buffer, HostPolicies.Header(state, labelSet, key, workload, needs));
            if (key.Space == AddressSpace.Default && translated.Count == 0)
            {
                foreach (var entry in entries)
                {
                    if (entry.IsHeldWith(key.Features))
                    {
                        partial.Buffer.Write(entry.For(key.Features).Bytes);
                    }
                }

                return held;
            }

            held = 0;
            foreach (var entry in EntryOrder.Sort(entries.Where(entry => entry.IsHeldWith(key.Features)).Select(entry => entry.For(key.Features).ToHostEntry(key.Space)).Concat(translated)))
            {
                partial.Buffer.Write(HostPolicyBytes.Of(entry));
                held++;
            }

            return held;
        }

        private void Name(Peer peer, AddressSpace space, Partial partial)
        {
            if (peer.Group is { } group && peer.Variant == PeerVariant.All && space == AddressSpace.Default)
            {
                _named[group.Id] = true;
            }
            else
            {
                // A network means the same in all spaces.
                var named = (peer, peer.Group is null ? AddressSpace.Default : space);
                if (partial.Peers.Add(named))
                {
                    lock (_adding)
                    {
                        _others.Add(named);
                    }
                }
            }
        }
    }
}
