using System.Security.Claims;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Authority;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Pairing;

/// <summary><c>/api/v1/pairing-keys</c>: keys with which hosts pair.</summary>
public static class PairingKeyEndpoints
{
    /// <summary>The shortest prefix that a grant with a scope gives: the widest private networks have it.</summary>
    private const int ShortestOfScope = 8;

    /// <summary>Maps them.</summary>
    public static void Map(RouteGroupBuilder api)
    {
        var keys = api.MapGroup("/pairing-keys").Requires(Permission.ManageAgents);
        keys.MapGet("", ListAsync).WithSummary("All pairing keys.");
        keys.MapPost("", CreateAsync).WithSummary("Make a pairing key; its secret is shown only now.");
        keys.MapDelete("/{id:guid}", RevokeAsync).WithSummary("Revoke a pairing key; workloads that paired with it stay.");
    }

    private static async Task<Ok<IReadOnlyList<PairingKeyView>>> ListAsync(Ledger ledger, CancellationToken cancellation)
    {
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        var rows = await database.PairingKeys.AsNoTracking().OrderByDescending(k => k.Created).ThenBy(k => k.Id).ToListAsync(cancellation).ConfigureAwait(false);
        return TypedResults.Ok<IReadOnlyList<PairingKeyView>>([.. rows.Select(ToView)]);
    }

    private static async Task<Results<Ok<CreatedPairingKey>, ProblemResult>> CreateAsync(
        CreatePairingKey request, ClaimsPrincipal user, Ledger ledger, CertificateAuthority authority, AgentUrl agentUrl, CancellationToken cancellation)
    {
        var secret = Secrets.New(Secrets.PairingKeyPrefix);
        var outcome = await ledger.WriteAsync<CreatedPairingKey>(user.Caller(), Permission.ManageAgents, (edit, caller, _) =>
        {
            var problems = new List<Diagnostic>();
            InputChecks.Name(request.Name, "name", problems);
            var labels = InputChecks.Labels(request.Labels, "labels", edit.Before.LabelKeys, problems);
            var networks = request.Networks.Select((text, i) => InputChecks.Prefix(text, $"networks[{i}]", problems)).ToList();
            if (networks.Count == 0)
            {
                problems.Add(Diagnostic.Error("no-networks", "networks", "A pairing key needs the networks of its hosts. Write at least one CIDR; 0.0.0.0/0 and ::/0 admit all."));
            }

            if (request.MaxUses is < 1)
            {
                problems.Add(Diagnostic.Error("bad-max-uses", "maxUses", "The number of uses is at least 1. Leave it out for no limit."));
            }

            if (request.Expires <= edit.Now)
            {
                problems.Add(Diagnostic.Error("bad-expiry", "expires", "The expiry is in the past."));
            }

            if (problems.Count > 0)
            {
                return Task.FromResult<Outcome<CreatedPairingKey>>(Problems.Invalid(problems));
            }

            var reach = Reach.Of(caller, Permission.ManageAgents, edit.Before.LabelKeys);
            if (!reach.Covers(labels))
            {
                return Task.FromResult<Outcome<CreatedPairingKey>>(reach.Refuse([$"a key that gives the labels {(labels.Labels.Length == 0 ? "none" : labels)}"])!);
            }

            // Hosts hold by it whatever free address lies in its networks, whosever it was meant to be.
            if (!reach.IsUnbounded && networks.Find(network => network!.Value.Length < ShortestOfScope) is { } wide)
            {
                return Task.FromResult<Outcome<CreatedPairingKey>>(reach.Refuse([$"a key for networks as wide as {wide} (at most a /{ShortestOfScope} takes no grant without a scope)"])!);
            }

            var row = new PairingKeyRow
            {
                Id = Guid.CreateVersion7(edit.Now),
                Name = request.Name.Trim(),
                SecretHash = Secrets.Hash(secret),
                Labels = StoredText.Of(labels),
                MakerGrants = StoredText.Of(caller.Grants),
                Networks = string.Join(' ', networks.Select(network => network!.Value).Distinct().Order()),
                MaxUses = request.MaxUses,
                Expires = request.Expires,
                AutoAdmit = request.AutoAdmit,
                Created = edit.Now,
            };
            edit.Database.PairingKeys.Add(row);
            edit.Touch(ChangeKind.Access, row.Id.ToString());
            edit.Audit("pairing.key-create", row.Name, $"A pairing key for {row.Networks} was made, valid until {row.Expires:u}.");
            return Task.FromResult<Outcome<CreatedPairingKey>>(new CreatedPairingKey(ToView(row), secret,
                $"bulkhead-agent pair --controller {agentUrl.Value} --ca-sha256 {authority.Sha256} --key-file /root/bulkhead-pairing.key --state /var/lib/bulkhead"));
        }, cancellation).ConfigureAwait(false);
        return outcome.Ok();
    }

    private static async Task<Results<NoContent, ProblemResult>> RevokeAsync(Guid id, ClaimsPrincipal user, Ledger ledger, CancellationToken cancellation)
    {
        var outcome = await ledger.WriteAsync<bool>(user.Caller(), Permission.ManageAgents, async (edit, caller, token) =>
        {
            if (await edit.Database.PairingKeys.FindAsync([id], token).ConfigureAwait(false) is not { } row)
            {
                return Problems.NotFound("pairing key", id.ToString());
            }

            var reach = Reach.Of(caller, Permission.ManageAgents, edit.Before.LabelKeys);
            if (!reach.Covers(StoredText.Labels(row.Labels)))
            {
                return reach.Refuse([row.Name])!;
            }

            row.Revoked = true;
            edit.Touch(ChangeKind.Access, row.Id.ToString());
            edit.Audit("pairing.key-revoke", row.Name, "The pairing key was revoked.");
            return true;
        }, cancellation).ConfigureAwait(false);
        return outcome.NoContent();
    }

    private static PairingKeyView ToView(PairingKeyRow row) => new(
        row.Id, row.Name, StoredText.ToDictionary(StoredText.Labels(row.Labels)), StoredText.Words(row.Networks), row.Uses, row.MaxUses, row.Expires, row.AutoAdmit, row.Revoked);
}
