/* Every GraphQL document of the console; a test holds them to the schema. */

export const SIGN_IN = `mutation SignIn($input: SignInInput!) {
  signIn(input: $input) {
    token expiresAt idleTimeoutSeconds
    viewer { id roles purposesOfUse { code nameJa } }
  }
}`;

export const SIGN_OUT = `mutation SignOut { signOut { signedOut } }`;

export const VIEWER = `query Viewer { viewer { idleExpiresAt } }`;

export const VOCABULARY = `query Vocabulary {
  policyVocabulary {
    roles { code nameJa name note purposes populations people }
    sections { code nameJa }
    purposes { code nameJa name legalBasis individualNumbers population populationReason }
    classes { code nameJa meaning personal withheld }
    coordinates { coordinate nameJa classes }
    actions
    budgets { role purpose class persons reason }
  }
}`;

export const STATUS = `query Status {
  policyStatus { version waiting { version effectiveFrom } }
}`;

export const MATRIX = `query Matrix($draft: ID, $version: Int, $roles: [String!], $purposes: [String!]) {
  policyMatrix(draft: $draft, version: $version, roles: $roles, purposes: $purposes) {
    version
    rows {
      role purpose
      cells {
        class allowed lines read list match search write
        fields { coordinate lines read list match search write }
      }
    }
  }
}`;

export const VERSIONS = `query Versions($first: Int!, $after: String) {
  policyStatus { version waiting { version effectiveFrom } }
  policyVersions(first: $first, after: $after, orderBy: [{field: NUMBER, direction: DESC}]) {
    nodes { number publishedAt reason basedOn proposedBy approvedBy approvalReason effectiveFrom }
    pageInfo { hasNextPage endCursor }
    totalCount
  }
}`;

export const VERSION = `query Version($number: Int!) {
  policyStatus { version waiting { version effectiveFrom } }
  policyVersions(first: 1, filter: {number: {eq: $number}}) {
    nodes { number publishedAt reason basedOn proposedBy approvedBy approvalReason effectiveFrom }
  }
  newest: policyVersions(first: 1, orderBy: [{field: NUMBER, direction: DESC}]) { nodes { number } }
}`;

export const DRAFTS = `query Drafts($first: Int!, $after: String, $filter: PolicyDraftFilter) {
  policyDrafts(first: $first, after: $after, filter: $filter, orderBy: [{field: CREATED_AT, direction: DESC}]) {
    nodes { id title state basedOn createdBy createdAt proposedBy }
    pageInfo { hasNextPage endCursor }
    totalCount
  }
}`;

export const DRAFT = `query Draft($id: ID!) {
  policyDraft(id: $id) {
    id title state basedOn createdBy createdAt editedAt
    proposedBy proposedAt reason decidedBy decidedAt decisionReason version
  }
}`;

export const COMPARISON = `query Comparison($draft: ID, $version: Int, $base: Int) {
  policyComparison(draft: $draft, version: $version, base: $base) {
    findings { line text severity problem reason }
    usable needsApproval staff people
    added { text note }
    removed { text note }
    gains { ...Sentence }
    losses { ...Sentence }
  }
}
fragment Sentence on PolicyChange {
  roles purpose action reach classes coordinates before after populations anew needsCaseReference
  staff people witness { document headers reachable }
}`;

export const REACHED = `query Reached($draft: ID!) {
  policyComparison(draft: $draft) { staff people gains { reach } losses { reach } }
}`;

export const UNION = `query Union($roles: [String!]!) {
  policyUnion(roles: $roles) {
    coordinate nameJa
    read { ...Most }
    list { ...Most }
    match { ...Most }
    search { ...Most }
    write { ...Most }
  }
}
fragment Most on PolicyUnionCell { verdict purposes masked withheld }`;

export const EXPLANATION = `query Explanation(
  $roles: [String!], $staffId: String, $purpose: String!, $coordinate: String!, $action: String!,
  $caseReference: Boolean, $reason: String, $draft: ID, $version: Int
) {
  policyExplanation(
    roles: $roles, staffId: $staffId, purpose: $purpose, coordinate: $coordinate, action: $action,
    caseReference: $caseReference, reason: $reason, draft: $draft, version: $version
  ) {
    roles verdict reason fits withheld classes populations
    elsewhere { purpose verdict }
    steps { role line text says }
  }
}`;

export const REPLAY = `query Replay($draft: ID!, $days: Int) {
  policyReplay(draft: $draft, days: $days) {
    days shapes
    differences {
      roles purpose caseReference operation
      more { coordinate action before after }
      less { coordinate action before after }
    }
  }
}`;

export const EXPORT = `query Export($draft: ID, $version: Int) {
  policyExport(draft: $draft, version: $version) { csv }
}`;

export const STAFF = `query Staff($first: Int!, $after: String, $filter: StaffMemberFilter) {
  staffMembers(first: $first, after: $after, filter: $filter) {
    nodes {
      staffId name section state
      roles(first: 20) { nodes { id role validFrom validUntil } }
    }
    pageInfo { hasNextPage endCursor }
    totalCount
  }
}`;

export const ROLE_HOLDERS = `query RoleHolders($role: String!, $after: String) {
  roleGrants(first: 200, after: $after, filter: {role: {eq: $role}}) {
    nodes { staffId }
    pageInfo { hasNextPage endCursor }
  }
}`;

export const STAFF_PROPOSALS = `query StaffProposals(
  $first: Int!, $after: String, $filter: StaffProposalFilter, $orderBy: [StaffProposalOrder!]
) {
  staffProposals(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
    nodes {
      id kind role validFrom validUntil state proposedBy proposedAt reason
      decidedBy decidedAt decisionReason staffId
      staffMember { name }
    }
    pageInfo { hasNextPage endCursor }
    totalCount
  }
}`;

export const LOG = `query Log(
  $first: Int!, $after: String, $filter: AccessRecordFilter, $orderBy: [AccessRecordOrder!]
) {
  accessRecords(first: $first, after: $after, filter: $filter, orderBy: $orderBy) {
    nodes {
      id at kind actor roles purpose policyVersion persons personCount personsThrough outcome
      operation { normalForm coordinates }
    }
    pageInfo { hasNextPage endCursor }
    totalCount
  }
}`;

export const CREATE_DRAFT = `mutation CreateDraft($input: CreatePolicyDraftInput!) {
  createPolicyDraft(input: $input) { draft { id } }
}`;

export const EDIT_DRAFT = `mutation EditDraft($input: EditPolicyDraftInput!) {
  editPolicyDraft(input: $input) { draft { id } }
}`;

export const REBASE = `mutation Rebase($input: PolicyDraftInput!) {
  rebasePolicyDraft(input: $input) { draft { id } }
}`;

export const ABANDON = `mutation Abandon($input: PolicyDraftInput!) {
  abandonPolicyDraft(input: $input) { draft { id } }
}`;

export const PROPOSE = `mutation Propose($input: ProposePolicyInput!) {
  proposePolicy(input: $input) { needsApproval draft { id } version { number effectiveFrom } }
}`;

export const WITHDRAW = `mutation Withdraw($input: PolicyDraftInput!) {
  withdrawPolicy(input: $input) { draft { id } }
}`;

export const APPROVE = `mutation Approve($input: ApprovePolicyInput!) {
  approvePolicy(input: $input) { needsApproval draft { id } version { number effectiveFrom } }
}`;

export const REJECT = `mutation Reject($input: RejectPolicyInput!) {
  rejectPolicy(input: $input) { draft { id } }
}`;

export const ROLL_BACK = `mutation RollBack($input: RollBackPolicyInput!) {
  rollBackPolicy(input: $input) { needsApproval draft { id } version { number effectiveFrom } }
}`;

export const RIGHTS = `query Rights { viewer { clearance { coordinate search write } } }`;

export const HIRE = `mutation Hire($input: HireStaffMemberInput!) {
  hireStaffMember(input: $input) { staffMember { staffId } }
}`;

export const PROPOSE_ROLE = `mutation ProposeRole($input: ProposeRoleInput!) {
  proposeRole(input: $input) { proposal { id } }
}`;

export const PROPOSE_REINSTATEMENT = `mutation ProposeReinstatement($input: StaffMemberInput!) {
  proposeReinstatement(input: $input) { proposal { id } }
}`;

export const WITHDRAW_STAFF_PROPOSAL = `mutation WithdrawStaffProposal($input: WithdrawStaffProposalInput!) {
  withdrawStaffProposal(input: $input) { proposal { id } }
}`;

export const APPROVE_STAFF_PROPOSAL = `mutation ApproveStaffProposal($input: DecideStaffProposalInput!) {
  approveStaffProposal(input: $input) { proposal { id } }
}`;

export const REJECT_STAFF_PROPOSAL = `mutation RejectStaffProposal($input: DecideStaffProposalInput!) {
  rejectStaffProposal(input: $input) { proposal { id } }
}`;

export const REVOKE_ROLE = `mutation RevokeRole($input: RevokeRoleInput!) {
  revokeRole(input: $input) { staffMember { staffId } }
}`;

export const SUSPEND = `mutation Suspend($input: StaffMemberInput!) {
  suspendStaffMember(input: $input) { staffMember { staffId } }
}`;

export const TRANSFER = `mutation Transfer($input: TransferStaffMemberInput!) {
  transferStaffMember(input: $input) { staffMember { staffId } }
}`;
